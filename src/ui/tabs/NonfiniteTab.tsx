import type { ReactElement } from 'react';
import { formatMetric } from '../../base/format';
import type { NonFinite } from '../../divergence/report';
import { stageSpec } from '../../model/stages';
import type { MapData } from '../../plots/map/map-types';
import { nonfinitePlot, nonfiniteWords } from '../../plots/tabs/nonfinite-plot';
import { engineTitle } from '../../plots/trace-view';
import { Scene } from '../Scene';
import { FigureTable } from '../FigureTable';
import { useActions } from '../use-app';
import { useMapTheme } from '../use-theme';

/** Where values stop being finite, what led to it and what became of it, for each side that it befell. */
export function NonfiniteTab({ data, width }: { readonly data: MapData; readonly width: number }): ReactElement {
  const { nonFinite } = data.view;
  const sides = [nonFinite?.a, nonFinite?.b].filter((side) => side !== undefined);
  if (sides.length === 0) {
    const unknown = data.view.verdict === undefined ? 'so far' : 'of both sides';
    const broken = data.first !== undefined && data.view.verdict?.first?.metric === 'non-finite';
    return (
      <p className="cap">
        {broken ? 'This trace does not keep how NaN spreads.' : `Nothing to say: every value ${unknown} is finite.`}
      </p>
    );
  }
  return (
    <>
      {sides.map((side) => (
        <Side key={side.arm} side={side} width={width} alone={sides.length === 1} />
      ))}
    </>
  );
}

function Side({
  side,
  width,
  alone,
}: {
  readonly side: NonFinite;
  readonly width: number;
  readonly alone: boolean;
}): ReactElement {
  const theme = useMapTheme();
  const { select } = useActions();
  const position = side.index[stageSpec(side.stage).shape.indexOf('nTokens')];
  return (
    <figure data-testid="nonfinite">
      <figcaption className="cap">
        <b>{engineTitle(side.arm)}</b>: {nonfiniteWords(side)}
        {alone ? ' The other side stays finite throughout.' : ''}{' '}
        <button
          type="button"
          className="link"
          onClick={() => {
            select({ layer: side.layer, stage: side.stage, position });
          }}
        >
          Look at where it begins
        </button>
      </figcaption>
      <Scene node={nonfinitePlot(side, width, theme)} />
      <FigureTable title="What led to it, as a table">{() => <RunUp side={side} />}</FigureTable>
    </figure>
  );
}

function RunUp({ side }: { readonly side: NonFinite }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col" className="word">
            Stage
          </th>
          <th scope="col">Largest magnitude</th>
          <th scope="col">Smallest</th>
          <th scope="col">Subnormal</th>
        </tr>
      </thead>
      <tbody>
        {side.runUp.map((step, i) => (
          <tr key={i}>
            <th scope="row">{step.layer ?? '–'}</th>
            <td className="word">{stageSpec(step.stage).title}</td>
            <td>{formatMetric(step.absMax)}</td>
            <td>{formatMetric(step.absMin)}</td>
            <td>{formatMetric(100 * step.subnormals)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
