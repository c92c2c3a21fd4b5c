import type { ReactElement } from 'react';
import { inEngineOrder, ENGINES, sidesOfRun, type BuiltInEngineId, type RunEngineId } from '../../model/engines';
import { adapterName } from '../../share/provenance';
import { adapterCard } from '../../store/state';
import { useActions, useApp } from '../use-app';

/** Sides that run here, and how they are called where the other one stands beside them. */
const CANDIDATES = ['gpu', 'cpu-ggml', 'exact-gpu'] as const satisfies readonly BuiltInEngineId[];
const REFERENCES = ['cpu', 'exact-gpu'] as const satisfies readonly BuiltInEngineId[];

/** What runs here, and how to get what does not. */
export function CandidatePanel(): ReactElement {
  const { candidate, reference } = sidesOfRun(useApp((s) => s.options.engines));
  const card = useApp(adapterCard);
  return (
    <>
      <Choices
        label="Candidate"
        engines={CANDIDATES.filter((id) => id !== reference)}
        chosen={candidate}
        none="none: the reference alone"
        other={reference}
      />
      {card === undefined ? null : (
        <p className="note">
          The GPU here: {adapterName(card)}.{card.isSoftware ? ' A software adapter: results count, times do not.' : ''}
        </p>
      )}
      <p className="note">
        What runs here is judged locally and free-running, and isolated where it is wrong or asked for.
      </p>
      <h3>From elsewhere</h3>
      <table className="ways">
        <tbody>
          <tr>
            <th scope="row">llama.cpp (CPU, Vulkan, CUDA, Metal)</th>
            <td>
              <code>moescope trace m.gguf --candidate llama.cpp:vulkan</code>, then drop its report
            </td>
            <Judged by={['local', 'free-running']} />
          </tr>
          <tr>
            <th scope="row">Transformers, vLLM, SGLang, your own</th>
            <td>
              <code>moescope judge m.gguf DUMP</code>, then drop its report; DUMP is .npz, .npy, .safetensors, .pt, APRT
            </td>
            <Judged by={['local', 'free-running']} />
          </tr>
          <tr>
            <th scope="row">Another trace</th>
            <td>drop it, a report or a dump: two runs against each other</td>
            <Judged by={['free-running']} />
          </tr>
        </tbody>
      </table>
      <p className="note">Another engine is held to the bound of its own arithmetic, which the run bar names.</p>
    </>
  );
}

/** The judgements that a candidate allows. */
function Judged({ by }: { readonly by: readonly string[] }): ReactElement {
  return (
    <td className="judged-by">
      {by.map((word) => (
        <span key={word}>{word}</span>
      ))}
    </td>
  );
}

export function ReferencePanel(): ReactElement {
  const { candidate, reference } = sidesOfRun(useApp((s) => s.options.engines));
  return (
    <Choices
      label="Reference"
      engines={REFERENCES.filter((id) => id !== candidate)}
      chosen={reference}
      none="none: the candidate alone"
      other={candidate}
    />
  );
}

function Choices(props: {
  readonly label: string;
  readonly engines: readonly BuiltInEngineId[];
  readonly chosen: RunEngineId | undefined;
  readonly none: string;
  /** The other side; without one this side cannot be none. */
  readonly other: RunEngineId | undefined;
}): ReactElement {
  const { label, engines, chosen, none, other } = props;
  const { setOptions } = useActions();
  const choose = (engine: RunEngineId | undefined): void => {
    const next = [engine, other].filter((side) => side !== undefined);
    if (next.length > 0) setOptions({ engines: inEngineOrder(next) });
  };
  return (
    <fieldset className="radio-list">
      <legend className="visually-hidden">{label}</legend>
      {ENGINES.filter(({ id }) => engines.includes(id)).map(({ id, title, what }) => (
        <label key={id}>
          <input
            type="radio"
            name={label}
            checked={chosen === id}
            onChange={() => {
              choose(id);
            }}
          />
          <b>{title}</b> <span>{what}</span>
        </label>
      ))}
      <label>
        <input
          type="radio"
          name={label}
          checked={chosen === undefined}
          disabled={other === undefined}
          onChange={() => {
            choose(undefined);
          }}
        />
        <b>{none}</b>
      </label>
    </fieldset>
  );
}
