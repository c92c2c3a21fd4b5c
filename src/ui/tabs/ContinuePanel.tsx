import type { ReactElement } from 'react';
import { formatMetric, formatMilliseconds, plural, visibleToken } from '../../base/format';
import type { TraceView } from '../../plots/trace-view';
import { decodedByText } from '../../session/decoded-by';
import type { Continuation } from '../../store/inspection';
import { CommandButton } from '../CommandButton';
import { ErrorDetail } from '../ErrorNotice';
import { useActions, useApp } from '../use-app';

const ENDS = {
  count: '',
  'end-of-text': 'The text ends here.',
  'not-finite': 'The candidate makes logits that are not finite: it says nothing more.',
} as const;

/** The prompt continued greedily on both sides: does the model speak sense, and do they agree on every word? */
export function ContinuePanel({ view }: { readonly view: TraceView }): ReactElement | null {
  const traced = useApp((s) => s.traced);
  const report = useApp((s) => s.report);
  const continuation = useApp((s) => s.continuation);
  const busy = continuation?.running === true;
  if (traced === undefined || traced.report !== report) return null;
  const said = continuation?.report === report ? continuation : undefined;
  return (
    <section className="continue" aria-label="Continuation" data-testid="continuation">
      <div className="figure-head">
        <h2>What it says next</h2>
        <div className="figure-tools">
          {busy ? (
            <CommandButton id="cancel" look="link" withKey />
          ) : (
            <CommandButton id="continue" look="link" withKey />
          )}
        </div>
      </div>
      {said === undefined ? (
        <p className="note">
          {view.sides[1] === 'nothing'
            ? `${view.sides[0]} goes on from the prompt, token by token.`
            : `Both sides go on from the prompt, token by token, each with its keys and values kept. ${view.sides[0]} leads; the other says where it would have chosen differently.`}
        </p>
      ) : (
        <Said view={view} said={said} />
      )}
    </section>
  );
}

function Said({ view, said }: { readonly view: TraceView; readonly said: Continuation }): ReactElement {
  const { traceToken } = useActions();
  const { tokens, running, end, error } = said;
  const parted = tokens.filter((token) => token.agree === false);
  const compared = tokens.some((token) => token.agree !== undefined);
  const perToken =
    tokens.length < 2 ? undefined : tokens.slice(1).reduce((ms, t) => ms + t.ms, 0) / (tokens.length - 1);
  const other = view.sides[1];
  return (
    <>
      <p className="said" aria-busy={running}>
        <span className="prompt-tail">{tailOf(view)}</span>
        {tokens.map((token) => (
          <button
            type="button"
            key={token.position}
            className={token.agree === false ? 'said-token parted' : 'said-token'}
            title={`Trace token ${String(token.position)}: ${visibleToken(token.text)}, ahead of the next by ${formatMetric((token.a ?? token.b)?.lead)}${token.agree === false && token.b !== undefined ? `; ${other}: ${visibleToken(token.b.text)}` : ''}`}
            onClick={() => void traceToken(token.position)}
          >
            {token.text.replace(/\n/g, '↵\n')}
          </button>
        ))}
        {running ? <span className="cursor" aria-hidden="true" /> : null}
      </p>
      <p className="note">
        {plural(tokens.length, 'token')}
        {perToken === undefined ? '' : `, ${formatMilliseconds(perToken)} each for both sides`}.{' '}
        {!compared || tokens.length === 0
          ? ''
          : parted.length === 0
            ? 'Both sides chose every one of them. '
            : `The sides part at ${plural(parted.length, 'token')}: ${parted
                .slice(0, 6)
                .map(
                  (t) =>
                    `${String(t.position)} (${other}: ${t.b === undefined ? 'not finite' : visibleToken(t.b.text)})`,
                )
                .join(', ')}. `}
        {tokens[0]?.decodedBy === undefined ? '' : `On the GPU by ${decodedByText(tokens[0].decodedBy)}. `}
        {end === undefined ? '' : ENDS[end]} Press a token to trace the run up to it, at its position.
      </p>
      {error === undefined ? null : (
        <div className="problem mild">
          <p>{error.message}</p>
          <ErrorDetail error={error} />
          <p>{error.remedy}</p>
        </div>
      )}
    </>
  );
}

/** The end of the prompt, to read on from. */
function tailOf(view: TraceView): string {
  const text = view.tokenTexts.join('');
  return text.length <= 80 ? text : `…${text.slice(-79)}`;
}
