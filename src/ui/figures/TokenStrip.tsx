import { useMemo, type ReactElement } from 'react';
import { formatMetric, visibleToken } from '../../base/format';
import { routingIndex } from '../../plots/trace-index';
import type { TraceView } from '../../plots/trace-view';
import type { Look } from './RoutingSection';

/** Tokens are printed up to here; a longer prompt is a matter for the figures around it. */
const MOST_TOKENS = 600;

/** The prompt as text, each token with the experts that it chose in one layer; those that chose the expert in hand are inked. */
export function TokenStrip(props: {
  readonly view: TraceView;
  readonly layer: number;
  readonly expert: number | undefined;
  readonly position: number | undefined;
  readonly onLook: Look;
}): ReactElement | null {
  const { view, layer, expert, position, onLook } = props;
  const tokens = useMemo(
    () =>
      routingIndex(view.routing)
        .layer(layer)
        .slice(0, MOST_TOKENS)
        .map((row) => {
          const choice = row.b ?? row.a;
          const same = row.a === undefined || row.b === undefined || sameSet(row.a.experts, row.b.experts);
          return { position: row.position, text: view.tokenTexts[row.position] ?? '', choice, same };
        }),
    [view, layer],
  );
  if (tokens.length === 0) return null;
  const terse = tokens.length > 60;
  return (
    <div className="strip-block" data-testid="token-strip">
      <p className="readout">
        <b>Layer {layer}</b>
        {expert === undefined ? (
          'The prompt with the experts of each token, the strongest first. Choose one to see who else chose it.'
        ) : (
          <>
            Inked: the tokens that chose <b>expert {expert}</b>, by weight.{' '}
            <button
              type="button"
              className="link"
              onClick={() => {
                onLook({ expert: -1 });
              }}
            >
              let go
            </button>
          </>
        )}
      </p>
      <ol className={terse ? 'strip terse' : 'strip'} aria-label={`Prompt with its experts in layer ${String(layer)}`}>
        {tokens.map((token) => {
          const at = expert === undefined ? -1 : (token.choice?.experts.indexOf(expert) ?? -1);
          const weight = at < 0 ? 0 : (token.choice?.weights[at] ?? 0);
          return (
            <li
              key={token.position}
              className={`${at < 0 ? '' : weight > 0.35 ? 'inked dark' : 'inked'}${token.same ? '' : ' flipped'}`}
              style={
                at < 0 ? undefined : { background: `color-mix(in srgb, var(--ink) ${inkOf(weight)}, var(--paper))` }
              }
            >
              <button
                type="button"
                className="token"
                aria-current={token.position === position ? 'true' : undefined}
                title={at < 0 ? `token ${String(token.position)}` : `weight ${formatMetric(weight)}`}
                onClick={() => {
                  onLook({ position: token.position });
                }}
              >
                {visibleToken(token.text)}
              </button>
              {terse ? null : (
                <span className="experts">
                  {token.choice?.experts.map((e) => (
                    <button
                      type="button"
                      key={e}
                      tabIndex={-1}
                      className={e === expert ? 'on' : undefined}
                      aria-label={`expert ${String(e)}`}
                      onClick={() => {
                        onLook({ expert: e, position: token.position });
                      }}
                    >
                      {e}
                    </button>
                  ))}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** A share of ink that tells a weight of 0.1 from one of 0.5, and both from paper. */
function inkOf(weight: number): string {
  return `${String(Math.round(12 + 74 * Math.min(1, Math.max(0, weight))))}%`;
}

function sameSet(x: readonly number[], y: readonly number[]): boolean {
  return x.length === y.length && x.every((e) => y.includes(e));
}
