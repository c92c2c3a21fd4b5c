import { useMemo, type ReactElement } from 'react';
import { FFN_OUT } from '../../model/stage-roles';
import { stageSpec } from '../../model/stages';
import type { MapData } from '../../plots/map/map-types';
import type { Columns } from '../../plots/tabs/columns';
import { paintTokenMap, tokenMap, tokenMapAt, tokenMapOverlay } from '../../plots/tabs/token-map';
import { selectPlace } from '../../store/view';
import { pixelRatio } from '../pixel-ratio';
import { RasterCanvas } from '../RasterCanvas';
import { Scene } from '../Scene';
import { useActions, useApp } from '../use-app';
import { useMapTheme } from '../use-theme';
import { PickArea } from './PickArea';

const BASES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;

/** The stage in hand, tokens by layers. */
export function TokensTab({ data, columns }: { readonly data: MapData; readonly columns: Columns }): ReactElement {
  const theme = useMapTheme();
  const place = useApp(selectPlace);
  const { select, hover } = useActions();
  const stage = place?.layer === undefined ? (data.rows.at(-1)?.stage ?? FFN_OUT) : place.stage;
  const map = useMemo(() => tokenMap(data, stage, columns), [data, stage, columns]);
  const paint = useMemo(
    () => (map === undefined ? undefined : () => paintTokenMap(data, map, theme, pixelRatio())),
    [data, map, theme],
  );
  const overlay = useMemo(
    () => (map === undefined ? undefined : tokenMapOverlay(data, map, theme, place?.position)),
    [data, map, theme, place?.position],
  );
  if (map === undefined || paint === undefined || overlay === undefined) {
    return <p className="cap">This trace keeps no errors token by token.</p>;
  }
  const { measure, row } = map;
  return (
    <figure>
      <figcaption className="cap">
        <b>{stageSpec(map.stage).title}</b>, tokens by layers:{' '}
        {measure.unit === 'ratio' ? 'error ÷ bound' : 'relative L2'}, {BASES[measure.basis]}.{' '}
        {row < 1
          ? 'A line of pixels is the worst of several tokens.'
          : row === 1
            ? 'A token is one line of pixels; the lens names those around the one in hand.'
            : 'Same columns as the map.'}
      </figcaption>
      <PickArea
        label="Tokens by layers, arrow keys move from cell to cell"
        onHover={(x, y) => {
          const at = x === undefined ? undefined : tokenMapAt(data, map, x, y);
          hover(at === undefined ? undefined : { stage: map.stage, ...at });
        }}
        onPick={(x, y) => {
          const at = tokenMapAt(data, map, x, y);
          if (at !== undefined) select({ stage: map.stage, ...at });
        }}
        onMove={(dx, dy) => {
          const { layers } = data;
          const { positions } = data.view;
          const l = layers.indexOf(place?.layer ?? -1) + dx;
          const t = positions.indexOf(place?.position ?? -1) + dy;
          const layer = layers[Math.min(layers.length - 1, Math.max(0, l))];
          const position = positions[Math.min(positions.length - 1, Math.max(0, t))];
          if (layer !== undefined && position !== undefined) select({ stage: map.stage, layer, position });
        }}
      >
        <RasterCanvas paint={paint} />
        <Scene node={overlay} />
      </PickArea>
    </figure>
  );
}
