import { memo, useId, useMemo, useRef, type ReactElement } from 'react';
import { formatShare, plural } from '../../base/format';
import { loadMaps, loadSummary, selectLoad, type LoadData } from '../../plots/select-load';
import { armTitle, type TraceView } from '../../plots/trace-view';
import { TableTwin } from '../TableTwin';
import { MapFigure } from './MapFigure';
import type { Look } from './look';
import { ShareLegend } from './ShareLegend';
import { useRoutingPlace } from './use-routing-place';

/** Layer by expert, both arms: who gets how many of the tokens. */
export const LoadFigure = memo(function LoadFigure(props: {
  readonly view: TraceView;
  readonly expert: number | undefined;
  readonly onLook: Look;
}): ReactElement {
  const { view, expert, onLook } = props;
  const figure = useRef<HTMLElement>(null);
  const { layer } = useRoutingPlace(view, figure);
  const caption = useId();
  const data = useMemo(() => selectLoad(view), [view]);
  const maps = useMemo(() => loadMaps(data), [data]);
  const { idle, fullest } = loadSummary(data);
  const even = data.nExpertUsed / Math.max(1, data.nExpert);
  return (
    <figure ref={figure} aria-labelledby={caption} className="load">
      <div className="figure-head">
        <h2>Load of every expert in every layer</h2>
      </div>
      <MapFigure
        label="Layers by experts, arrow keys move from cell to cell"
        maps={maps}
        layers={data.layers}
        nExpert={data.nExpert}
        even={even}
        layer={layer}
        expert={expert}
        onLook={onLook}
        idle={
          <span>
            Even use would give each expert {formatShare(even)} of the tokens; the fullest has {formatShare(fullest)}.{' '}
            {plural(idle, 'time')} an expert of a layer got none.
          </span>
        }
      />
      <ShareLegend even={even} />
      <figcaption id={caption}>
        Load: layers down, experts across; ink is the share of the layer’s tokens that chose the expert, on a fixed
        scale{maps.length > 1 ? '; violet where the arms differ' : ''}. Choose a cell to see which tokens those are.
      </figcaption>
      <TableTwin title="This load as a table">{() => <LoadTable data={data} />}</TableTwin>
    </figure>
  );
});

function LoadTable({ data }: { readonly data: LoadData }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer, arm</th>
          {Array.from({ length: data.nExpert }, (_, e) => (
            <th scope="col" key={e}>
              {e}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {data.layers.flatMap((layer, l) =>
          data.sides.map((side) => (
            <tr key={`${String(layer)} ${side}`}>
              <th scope="row">
                {layer}, {armTitle(data.arms[side === 'a' ? 0 : 1])}
              </th>
              {Array.from({ length: data.nExpert }, (_, e) => (
                <td key={e}>{data.loads[l]?.[side]?.[e] ?? '–'}</td>
              ))}
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
