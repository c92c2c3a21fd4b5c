import { useId, useMemo, useRef, type ReactElement } from 'react';
import { formatMetric } from '../../base/format';
import { ratioLayout, ratioLineAt, ratioStrip } from '../../plots/ratio-strip';
import { binName, selectRatios, type RatioLine } from '../../plots/select-ratios';
import type { TraceView } from '../../plots/trace-view';
import { Later } from '../Later';
import { Scene } from '../Scene';
import { TableTwin } from '../TableTwin';
import { useActions, useFollowed, usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { PickArea } from './PickArea';

/** How much of its bound each stage uses: a bound that is far too loose shows, and so does a defect. */
export function RatioFigure({ view }: { readonly view: TraceView }): ReactElement | null {
  const figure = useRef<HTMLElement>(null);
  const { place } = useFollowed(figure);
  const now = usePlaceNow();
  const { select } = useActions();
  const caption = useId();
  const { ref, width, scale } = useFigureWidth();
  const lines = useMemo(() => selectRatios(view), [view]);
  const layout = useMemo(() => ratioLayout(lines, Math.max(1, width)), [lines, width]);
  const stage = place?.stage;
  const node = useMemo(() => ratioStrip(lines, layout, stage), [lines, layout, stage]);
  if (lines.length === 0) return null;
  const pick = (line: RatioLine | undefined): void => {
    if (line === undefined) return;
    const worst = line.largest.reduce((x, y) => (y.ratio > x.ratio || Number.isNaN(y.ratio) ? y : x));
    select({ layer: worst.layer, stage: line.stage, position: undefined });
  };
  const distribution = lines.some((line) => line.shares !== undefined);
  return (
    <figure ref={figure} aria-labelledby={caption}>
      <Later first={1}>
        <div className="figure-head">
          <h2>How much of its bound each stage uses</h2>
        </div>
        <>
          <div ref={ref}>
            {width === 0 ? null : (
              <PickArea
                label="Stages by error over bound, arrow keys move from stage to stage"
                scale={scale}
                onHover={() => undefined}
                onPick={(_, y) => {
                  pick(ratioLineAt(lines, layout, y));
                }}
                onMove={(_, dy) => {
                  const at = lines.findIndex((line) => line.stage === now().place?.stage);
                  pick(lines[Math.min(lines.length - 1, Math.max(0, at + dy))]);
                }}
              >
                <Scene node={node} />
              </PickArea>
            )}
          </div>
          <figcaption id={caption}>
            Error ÷ bound of every stage alone, all layers; a tick is a layer’s largest
            {distribution ? ', shade says how many values lie there' : ''}. Right of the line is a defect; far left of
            it, honest rounding uses so little of the bound that a small defect would hide. “× random” compares a
            product’s largest error with what as many random roundings would make: well above 1 speaks of lower
            precision.
          </figcaption>
          <TableTwin title="These ratios as a table">{() => <RatioTable lines={lines} />}</TableTwin>
        </>
      </Later>
    </figure>
  );
}

function RatioTable({ lines }: { readonly lines: readonly RatioLine[] }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">Largest error ÷ bound</th>
          <th scope="col">Median</th>
          <th scope="col">× random roundings</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.stage}>
            <th scope="row">{line.title}</th>
            <td className={line.worst <= 1 ? undefined : 'bad'}>{formatMetric(line.worst)}</td>
            <td>{line.median === undefined ? '–' : binName(line.median)}</td>
            <td>{formatMetric(line.estimate)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
