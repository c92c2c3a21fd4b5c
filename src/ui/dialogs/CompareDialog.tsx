import { useId, type ReactElement } from 'react';
import { formatBytes, plural, shortHash } from '../../base/format';
import { cardName } from '../../store/shell-actions';
import type { TraceCard } from '../../store/shell-state';
import { ErrorDetail } from '../ErrorNotice';
import { useActions, useApp, useAppStore } from '../use-app';
import { command } from '../../store/commands';
import { Dialog } from './Dialog';

/** Any two traces, side by side: the last run's engines and whatever was dropped. */
export function CompareDialog(): ReactElement {
  const store = useAppStore();
  const { traces, compare } = useApp((s) => s.shell);
  const actions = useActions();
  const mismatch = compare.error?.code === 'trace-mismatch';
  return (
    <Dialog title="Compare two traces" className="compare">
      {traces.length === 0 ? (
        <p className="lead">
          Drop one or two saved traces here: what MoEscope saved (NPZ, JSON, CSV), an <code>apr</code> dump (APRT tree
          or ZIP), or arrays by their llama.cpp names. A run of this page can be compared too, once there is one.
        </p>
      ) : (
        <div className="sides">
          <Side title="Under test" side="a" traces={traces} chosen={compare.a} other={compare.b} />
          <Side title="Reference" side="b" traces={traces} chosen={compare.b} other={compare.a} />
        </div>
      )}
      {traces.length === 1 ? <p className="note">There is one trace so far; open another to compare it with.</p> : null}
      {compare.error === undefined ? null : (
        <div className="problem" role="alert">
          <p>{compare.error.message}</p>
          <ErrorDetail error={compare.error} />
          <p>
            {mismatch
              ? 'Compare traces of one model and one prompt; or look at the difference all the same.'
              : compare.error.remedy}
          </p>
          <code data-testid="compare-error">{compare.error.code}</code>
        </div>
      )}
      {traces.length === 0 ? null : (
        <label className="check">
          <input
            type="checkbox"
            checked={compare.common}
            onChange={(event) => {
              actions.setCompare({ common: event.currentTarget.checked });
            }}
          />
          Only what both hold; otherwise what one lacks counts as missing
        </label>
      )}
      <p className="actions">
        <button
          type="button"
          className="button"
          disabled={compare.a === undefined || compare.b === undefined || compare.a === compare.b || compare.busy}
          onClick={() => {
            void actions.compare(false);
          }}
        >
          {compare.busy ? 'Comparing…' : 'Compare'}
        </button>
        {mismatch ? (
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              void actions.compare(true);
            }}
          >
            Compare anyway
          </button>
        ) : null}
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            command('open').run(store);
          }}
        >
          Open trace files…
        </button>
      </p>
    </Dialog>
  );
}

function Side(props: {
  readonly title: string;
  readonly side: 'a' | 'b';
  readonly traces: readonly TraceCard[];
  readonly chosen: string | undefined;
  readonly other: string | undefined;
}): ReactElement {
  const { setCompare } = useActions();
  const name = useId();
  return (
    <fieldset>
      <legend>{props.title}</legend>
      {props.traces.map((card) => (
        <label key={card.id} className={card.id === props.other ? 'taken' : undefined}>
          <input
            type="radio"
            name={name}
            checked={card.id === props.chosen}
            onChange={() => {
              setCompare({ [props.side]: card.id });
            }}
          />
          <span>
            <b>{cardName(card)}</b>
            <small>{facts(card)}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function facts(card: TraceCard): string {
  const modes = card.modes.map((mode) => (mode === 'free' ? 'free-running' : mode)).join(' and ');
  return [
    card.model ?? 'model not told',
    ...(card.headerSha256 === undefined ? [] : [`header ${shortHash(card.headerSha256)}`]),
    card.nTokens === undefined ? 'tokens not told' : plural(card.nTokens, 'token'),
    modes,
    plural(card.layers, 'layer'),
    plural(card.tensors, 'tensor'),
    formatBytes(card.bytes),
  ].join(', ');
}
