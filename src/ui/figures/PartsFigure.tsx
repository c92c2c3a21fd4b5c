import { memo, useId, useMemo, useRef, type ReactElement } from 'react';
import { formatShare } from '../../base/format';
import type { LoadMap } from '../../plots/load-map';
import { comparePartsOf, likelyWay, PART_WAYS, selectParts, type PartComparison } from '../../plots/select-parts';
import type { TraceView } from '../../plots/trace-view';
import { DEMO_PROMPT } from '../../store/demo-prompt';
import { Segments } from '../Segments';
import { useActions, useApp } from '../use-app';
import { MapFigure } from './MapFigure';
import type { Look } from './look';
import { useRoutingPlace } from './use-routing-place';

/** What the parts of the prompt (verse, code, arithmetic) prefer. */
export const PartsFigure = memo(function PartsFigure(props: {
  readonly view: TraceView;
  readonly expert: number | undefined;
  readonly onLook: Look;
}): ReactElement | null {
  const { view, expert, onLook } = props;
  const figure = useRef<HTMLElement>(null);
  const { layer } = useRoutingPlace(view, figure);
  const caption = useId();
  const chosen = useApp((s) => s.cut);
  const { setCut } = useActions();
  const way = chosen ?? likelyWay(view);
  const comparison = useMemo(() => comparePartsOf(view, selectParts(view, way)), [view, way]);
  const maps = useMemo(
    () =>
      comparison.parts.map((part, i): LoadMap => ({
        title: `${String(i + 1)}  ${part.title}`,
        shares: comparison.shares[i] ?? [],
        rings: comparison.telling[i] ?? [],
      })),
    [comparison],
  );
  if (view.positions.length < 6) return null;
  return (
    <figure ref={figure} aria-labelledby={caption} className="parts" data-testid="parts">
      <div className="figure-head">
        <h2>Experts by part of the prompt</h2>
        <div className="figure-tools">
          <Segments label="Cut the prompt" value={way} options={PART_WAYS} onChange={setCut} />
          <DemoButton />
        </div>
      </div>
      {maps.length < 2 ? (
        <p className="note">The prompt has one part only, cut this way.</p>
      ) : (
        <>
          <MapFigure
            label="Parts of the prompt: layers by experts, arrow keys move from cell to cell"
            maps={maps}
            layers={view.layers}
            nExpert={view.nExpert}
            even={view.nExpertUsed / Math.max(1, view.nExpert)}
            layer={layer}
            expert={expert}
            onLook={onLook}
            idle={<span>{inCommon(comparison)}</span>}
          />
          <Telling comparison={comparison} onLook={onLook} />
        </>
      )}
      <figcaption id={caption}>
        Parts of the prompt: for each, layers down, experts across; ink is the share of the part’s own tokens that chose
        the expert, same scale. Boxed: the experts of the table above.
      </figcaption>
    </figure>
  );
});

/** What the parts have in common, beside what small numbers alone would leave. */
function inCommon({ between, within }: PartComparison): string {
  if (between === undefined) return '';
  const halves = within === undefined ? '' : `, halves of one part ${formatShare(within)}`;
  return `Halves of different parts share ${formatShare(between)} of their choices${halves}.`;
}

function Telling(props: { readonly comparison: PartComparison; readonly onLook: Look }): ReactElement {
  const { comparison, onLook } = props;
  return (
    <table className="telling">
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col" className="word">
            Experts that tell it from the others: layer / expert, share of its tokens against elsewhere
          </th>
        </tr>
      </thead>
      <tbody>
        {comparison.parts.map((part, i) => (
          <tr key={part.positions[0] ?? i}>
            <th scope="row">
              {i + 1} <span className="quote">{part.title}</span>
            </th>
            <td className="word">
              {comparison.telling[i]?.map(({ layer, expert, share, elsewhere }) => (
                <button
                  type="button"
                  className="link tell"
                  key={`${String(layer)}/${String(expert)}`}
                  onClick={() => {
                    onLook({ layer, expert });
                  }}
                >
                  <b>
                    {layer} / {expert}
                  </b>{' '}
                  {formatShare(share)} : {formatShare(elsewhere)}
                </button>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** One press: a prompt of verse, code and arithmetic, traced by the model at hand. */
function DemoButton(): ReactElement | null {
  const { setPromptText, run } = useActions();
  const busy = useApp((s) => s.phase === 'running' || s.phase === 'loading');
  const done = useApp((s) => s.prompt.text === DEMO_PROMPT);
  if (done) return null;
  return (
    <button
      type="button"
      className="link"
      disabled={busy}
      onClick={() => {
        setPromptText(DEMO_PROMPT);
        void run();
      }}
    >
      Run verse, code and arithmetic
    </button>
  );
}
