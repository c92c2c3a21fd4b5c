import { useDeferredValue, useMemo, type ReactElement } from 'react';
import { mapLayout, MAP_SIZES, type MapSize } from '../../plots/map/layout';
import type { MapData } from '../../plots/map/map-types';
import { Tabs } from '../tabs/Tabs';
import { useApp } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useRoom, type Room } from '../use-theme';
import { Face } from './Face';
import { Legend, Tools } from './Tools';
import { Term } from './Term';
import { plainNumber } from '../../plots/map/human-number';

/** The measure, the map with its strips, and below it the tabs in the map's columns. */
export function Instrument({ data }: { readonly data: MapData }): ReactElement {
  const { ref, width } = useFigureWidth();
  const room = useRoom();
  const zoom = useApp((s) => s.zoom);
  const first = useApp((s) => !s.shell.begun && s.opened === undefined);
  const layout = useMemo(
    () => (width === 0 ? undefined : mapLayout(data, width, sizeOf(room, first), zoom)),
    [data, width, room, first, zoom],
  );
  // The map answers a zoom at once; what stands in its columns follows.
  const below = useDeferredValue(layout);
  // Nothing was compared: one side ran alone.
  const alone = data.view.verdict !== undefined && data.rows.length === 0;
  return (
    <div ref={ref} id="trace" data-go="trace" tabIndex={-1}>
      {alone ? null : <Tools data={data} />}
      {layout === undefined || alone ? null : (
        <>
          <Face data={data} layout={layout} />
          <div className="below">
            <span>
              Line: the worst value. Shade: where all values lie. Thin line: <Term id="free">free-running</Term>, ÷ its
              limit {plainNumber(data.limit)}.
            </span>
            <span className="keys-hint" aria-hidden="true">
              <kbd>←↑↓→</kbd> move <kbd>n</kbd> <kbd>p</kbd> next wrong <kbd>+</kbd> <kbd>−</kbd> zoom <kbd>1</kbd>…
              <kbd>6</kbd> tabs
            </span>
          </div>
          {room === 'wide' ? null : <Legend data={data} />}
        </>
      )}
      {below === undefined ? null : <Tabs data={data} layout={below} alone={alone} />}
    </div>
  );
}

function sizeOf(room: Room, first: boolean): MapSize {
  if (room === 'phone') return MAP_SIZES.phone;
  const { row, headline, groupGap, strip, stripGap, top, tallest } = MAP_SIZES.first;
  if (room === 'medium') {
    return first ? { ...MAP_SIZES.medium, row, headline, groupGap, strip, stripGap, top, tallest } : MAP_SIZES.medium;
  }
  return first ? MAP_SIZES.first : MAP_SIZES.page;
}
