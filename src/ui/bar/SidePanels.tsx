import type { ReactElement } from 'react';
import { inArmOrder, RUN_ARMS, type BuiltInArm, type RunArm } from '../../model/arms';
import { adapterName } from '../../share/provenance';
import { adapterCard } from '../../store/state';
import { useActions, useApp } from '../use-app';

/** Sides that run here, and how they are called where the other one stands beside them. */
const CANDIDATES = ['gpu', 'cpu-ggml', 'exact-gpu'] as const satisfies readonly BuiltInArm[];
const REFERENCES = ['cpu', 'exact-gpu'] as const satisfies readonly BuiltInArm[];

/** What runs here, and how to get what does not. */
export function CandidatePanel(): ReactElement {
  const arms = useApp((s) => s.options.arms);
  const card = useApp(adapterCard);
  const reference = arms.find((arm) => REFERENCES.some((id) => id === arm) && (arms.length > 1 || arm === 'cpu'));
  const candidate = arms.find((arm) => arm !== reference);
  return (
    <>
      <Choices
        label="Candidate"
        arms={CANDIDATES.filter((id) => id !== reference)}
        chosen={candidate}
        none="none: the reference alone"
        other={reference}
      />
      {card === undefined ? null : (
        <p className="note">
          The GPU here: {adapterName(card)}.{card.isSoftware ? ' A software adapter: results count, times do not.' : ''}
        </p>
      )}
      <h3>From elsewhere</h3>
      <table className="ways">
        <tbody>
          <tr>
            <th scope="row">llama.cpp (CPU, Vulkan, CUDA, Metal)</th>
            <td>
              <code>moescope trace m.gguf --candidate llama.cpp:vulkan</code>, then drop its report
            </td>
          </tr>
          <tr>
            <th scope="row">Transformers, vLLM, SGLang, your own</th>
            <td>drop its dump: .npz, .npy, .safetensors, .pt, APRT</td>
          </tr>
          <tr>
            <th scope="row">Another trace</th>
            <td>drop it: two runs against each other, free-running</td>
          </tr>
        </tbody>
      </table>
    </>
  );
}

export function ReferencePanel(): ReactElement {
  const arms = useApp((s) => s.options.arms);
  const reference = arms.find((arm) => arm === 'cpu' || (arm === 'exact-gpu' && arms.length > 1));
  const candidate = arms.find((arm) => arm !== reference);
  return (
    <Choices
      label="Reference"
      arms={REFERENCES.filter((id) => id !== candidate)}
      chosen={reference}
      none="none: the candidate alone"
      other={candidate}
    />
  );
}

function Choices(props: {
  readonly label: string;
  readonly arms: readonly BuiltInArm[];
  readonly chosen: RunArm | undefined;
  readonly none: string;
  /** The other side; without one this side cannot be none. */
  readonly other: RunArm | undefined;
}): ReactElement {
  const { label, arms, chosen, none, other } = props;
  const { setOptions } = useActions();
  const choose = (arm: RunArm | undefined): void => {
    const next = [arm, other].filter((side) => side !== undefined);
    if (next.length > 0) setOptions({ arms: inArmOrder(next) });
  };
  return (
    <fieldset className="radio-list">
      <legend className="visually-hidden">{label}</legend>
      {RUN_ARMS.filter(({ id }) => arms.includes(id)).map(({ id, title, what }) => (
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
