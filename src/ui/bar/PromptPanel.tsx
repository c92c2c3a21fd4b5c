import { useId, type ReactElement } from 'react';
import { visibleToken } from '../../base/format';
import { modeWords, RUN_MODES } from '../../divergence/run-mode';
import { stagesOf } from '../../model/graph-of';
import { COMPUTED_STAGES } from '../../model/stages';
import type { Routing } from '../../session/events';
import { selectOptionErrors, type CheckedField } from '../../store/check-options';
import { Segments } from '../Segments';
import { useActions, useApp } from '../use-app';

const MOST_CHIPS = 400;
const ROUTES: readonly { readonly id: Routing; readonly title: string }[] = [
  { id: 'own', title: 'its own' },
  { id: 'reference', title: "the reference's" },
];
/** The prompt as tokens and ids, and what a run captures and compares. What is wrong is said at its field. */
export function PromptPanel(): ReactElement {
  const prompt = useApp((s) => s.prompt);
  const opened = useApp((s) => s.opened);
  const options = useApp((s) => s.options);
  const { setTokenIds, setChat, setOptions } = useActions();
  const textOff = opened?.preflight.tokenizerError;
  return (
    <div className="panel-columns">
      <div>
        {textOff === undefined ? null : <p className="note">{textOff.message} Token ids still run.</p>}
        <label className="check">
          <input
            type="checkbox"
            checked={prompt.chat}
            disabled={opened?.preflight.chatTemplate === false}
            onChange={(event) => {
              setChat(event.currentTarget.checked);
            }}
          />
          Chat template
        </label>
        <Chips />
        <label className="text-field">
          <span>Token ids</span>
          <input
            type="text"
            className="mono"
            value={prompt.idsText}
            spellCheck={false}
            autoComplete="off"
            placeholder="9707, 11, 1879"
            onChange={(event) => {
              setTokenIds(event.currentTarget.value);
            }}
          />
        </label>
        {prompt.source === 'ids' && prompt.text !== '' ? <p className="note">The ids count, not the text.</p> : null}
        {prompt.error === undefined ? null : (
          <p className="note bad">
            {prompt.error.message} {prompt.error.remedy}
          </p>
        )}
      </div>
      <div>
        <OptionText name="layers" title="Layers" hint="all, 3, 0..6" />
        <OptionText name="stages" title="Stages" hint="all, or names" />
        <OptionText name="positions" title="Positions" hint="all, last, 0..8" />
        <OptionText name="decode" title="Decoded tokens" hint="judged behind the prompt: 4" />
        <label
          className="check"
          title="tokens behind the prompt, a prompt that continues another, weights used again, evicted, short submits ..."
        >
          <input
            type="checkbox"
            checked={options.thorough}
            onChange={(event) => {
              setOptions({ thorough: event.currentTarget.checked });
            }}
          />
          Thorough: every other way of running it, too
        </label>
        <label className="text-field">
          <span>Judged by</span>
          <select
            value={options.mode}
            onChange={(event) => {
              const mode = RUN_MODES.find((id) => id === event.currentTarget.value);
              if (mode !== undefined) setOptions({ mode });
            }}
          >
            {RUN_MODES.map((mode) => (
              <option key={mode} value={mode}>
                {modeWords(mode)}
              </option>
            ))}
          </select>
        </label>
        <div className="text-field">
          <span aria-hidden="true">Experts</span>
          <Segments
            label="Experts"
            value={options.routing}
            options={ROUTES}
            onChange={(routing) => {
              setOptions({ routing });
            }}
          />
        </div>
      </div>
    </div>
  );
}

function OptionText(props: {
  readonly name: Exclude<CheckedField, 'inject'>;
  readonly title: string;
  readonly hint: string;
}): ReactElement {
  const { name, title, hint } = props;
  const value = useApp((s) => s.options[name]);
  const error = useApp((s) => selectOptionErrors(s)[name]);
  const hparams = useApp((s) => (s.opened?.card ?? s.recorded?.model)?.hparams);
  const stages = hparams === undefined ? COMPUTED_STAGES : stagesOf(hparams);
  const { setOptions } = useActions();
  const list = useId();
  const says = useId();
  return (
    <div className="text-field">
      <label>
        <span>
          {title} <small>({hint})</small>
        </span>
        <input
          type="text"
          className="mono"
          value={value}
          spellCheck={false}
          autoComplete="off"
          list={name === 'stages' ? list : undefined}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : says}
          onChange={(event) => {
            setOptions({ [name]: event.currentTarget.value });
          }}
        />
      </label>
      {name === 'stages' ? (
        <datalist id={list}>
          <option value="all" />
          <option value="moe_router,moe_ffn_out" />
          {stages.map((id) => (
            <option key={id} value={id} />
          ))}
        </datalist>
      ) : null}
      {error === undefined ? null : (
        <p id={says} className="note bad" role="alert">
          {error.message} {error.remedy}
        </p>
      )}
    </div>
  );
}

function Chips(): ReactElement | null {
  const { ids, texts, pending } = useApp((s) => s.prompt);
  const opened = useApp((s) => s.opened);
  if (ids.length === 0) {
    return pending && opened === undefined ? <p className="note">Tokens appear once a model is open.</p> : null;
  }
  return (
    <ol className="chips" aria-label="Tokens" tabIndex={0}>
      {ids.slice(0, MOST_CHIPS).map((id, i) => (
        <li key={i}>
          {visibleToken(texts[i] ?? '')} <small>{id}</small>
        </li>
      ))}
      {ids.length > MOST_CHIPS ? <li>and {ids.length - MOST_CHIPS} more</li> : null}
    </ol>
  );
}
