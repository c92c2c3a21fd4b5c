import { memo, useMemo, useRef, type ReactElement } from 'react';
import { formatMetric, visibleToken } from '../../base/format';
import { routingIndex } from '../../plots/trace-index';
import type { TraceView } from '../../plots/trace-view';
import type { Look } from './look';
import { useRoutingPlace } from './use-routing-place';

/** Tokens are printed up to here; a longer prompt is a matter for the figures around it. */
const MOST_TOKENS = 600;
/** Beyond this many tokens their experts are left to the figure below. */
const MOST_WITH_EXPERTS = 60;

const NO_EXPERTS: readonly number[] = [];

/** The prompt as text, each token with the experts that it chose in one layer; those that chose the expert in hand are inked. */
export const TokenStrip = memo(function TokenStrip(props: {
  readonly view: TraceView;
  readonly expert: number | undefined;
  readonly onLook: Look;
}): ReactElement | null {
  const { view, expert, onLook } = props;
  const block = useRef<HTMLDivElement>(null);
  const { layer, position } = useRoutingPlace(view, block);
  const tokens = useMemo(() => (layer === undefined ? [] : tokensOf(view, layer)), [view, layer]);
  if (tokens.length === 0) return null;
  const terse = tokens.length > MOST_WITH_EXPERTS;
  return (
    <div className="strip-block" data-testid="token-strip" ref={block}>
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
        {tokens.map((token) => (
          <Token
            key={token.position}
            position={token.position}
            text={token.text}
            experts={terse ? NO_EXPERTS : token.experts}
            weight={expert === undefined ? undefined : token.weights[token.experts.indexOf(expert)]}
            expert={terse ? undefined : expert}
            flipped={!token.same}
            here={token.position === position}
            onLook={onLook}
          />
        ))}
      </ol>
    </div>
  );
});

/** One token; drawn again only when something of its own has changed. */
const Token = memo(function Token(props: {
  readonly position: number;
  readonly text: string;
  readonly experts: readonly number[];
  /** Of the expert in hand; undefined where the token did not choose it. */
  readonly weight: number | undefined;
  readonly expert: number | undefined;
  readonly flipped: boolean;
  readonly here: boolean;
  readonly onLook: Look;
}): ReactElement {
  const { position, text, experts, weight, expert, flipped, here, onLook } = props;
  const ink = weight === undefined ? '' : weight > 0.35 ? 'inked dark' : 'inked';
  return (
    <li
      className={`${ink}${flipped ? ' flipped' : ''}`}
      style={
        weight === undefined
          ? undefined
          : { background: `color-mix(in srgb, var(--ink) ${inkOf(weight)}, var(--paper))` }
      }
    >
      <button
        type="button"
        className="token"
        aria-current={here ? 'true' : undefined}
        title={weight === undefined ? `token ${String(position)}` : `weight ${formatMetric(weight)}`}
        onClick={() => {
          onLook({ position });
        }}
      >
        {visibleToken(text)}
      </button>
      {experts.length === 0 ? null : (
        <span className="experts">
          {experts.map((e) => (
            <button
              type="button"
              key={e}
              tabIndex={-1}
              className={e === expert ? 'on' : undefined}
              aria-label={`expert ${String(e)}`}
              onClick={() => {
                onLook({ expert: e, position });
              }}
            >
              {e}
            </button>
          ))}
        </span>
      )}
    </li>
  );
});

interface StripToken {
  readonly position: number;
  readonly text: string;
  readonly experts: readonly number[];
  readonly weights: readonly number[];
  /** Both arms chose the same experts. */
  readonly same: boolean;
}

function tokensOf(view: TraceView, layer: number): readonly StripToken[] {
  return routingIndex(view.routing)
    .layer(layer)
    .slice(0, MOST_TOKENS)
    .map((row) => {
      const choice = row.b ?? row.a;
      const same = row.a === undefined || row.b === undefined || sameSet(row.a.experts, row.b.experts);
      return {
        position: row.position,
        text: view.tokenTexts[row.position] ?? '',
        experts: choice?.experts ?? NO_EXPERTS,
        weights: choice?.weights ?? [],
        same,
      };
    });
}

/** A share of ink that tells a weight of 0.1 from one of 0.5, and both from paper. */
function inkOf(weight: number): string {
  return `${String(Math.round(12 + 74 * Math.min(1, Math.max(0, weight))))}%`;
}

function sameSet(x: readonly number[], y: readonly number[]): boolean {
  return x.length === y.length && x.every((e) => y.includes(e));
}
