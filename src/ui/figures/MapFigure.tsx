import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { mapLayout, mapOverlay, mapPlaceAt, paintMaps, type LoadMap } from '../../plots/load-map';
import { formatShare } from '../../base/format';
import { pixelRatio } from '../pixel-ratio';
import { RasterCanvas } from '../RasterCanvas';
import { Scene } from '../Scene';
import { usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useFigureTheme } from '../use-theme';
import { PickArea } from './PickArea';
import type { Look } from './look';

/** Layer x expert maps side by side, to be pointed at. */
export function MapFigure(props: {
  readonly label: string;
  readonly maps: readonly LoadMap[];
  readonly layers: readonly number[];
  readonly nExpert: number;
  /** Share of tokens of an expert if all were used alike. */
  readonly even: number;
  readonly layer: number | undefined;
  readonly expert: number | undefined;
  readonly onLook: Look;
  /** What is said while nothing is pointed at. */
  readonly idle: ReactNode;
}): ReactElement {
  const { label, maps, layers, nExpert, even, layer, expert, onLook, idle } = props;
  const theme = useFigureTheme();
  const now = usePlaceNow();
  const { ref, width, scale } = useFigureWidth();
  const [hover, setHover] = useState<ReturnType<typeof mapPlaceAt>>(undefined);
  const layout = useMemo(
    () => mapLayout(maps.length, layers.length, nExpert, Math.max(1, width)),
    [maps.length, layers.length, nExpert, width],
  );
  const ratio = pixelRatio(scale);
  const paint = useMemo(
    () => (width === 0 ? undefined : () => paintMaps(maps, layout, even, theme, ratio)),
    [maps, layout, even, theme, ratio, width],
  );
  const overlay = useMemo(
    () => mapOverlay(maps, layers, layout, { layer, expert }),
    [maps, layers, layout, layer, expert],
  );
  return (
    <>
      <p className="readout">{hover === undefined ? idle : <MapReadout maps={maps} layers={layers} at={hover} />}</p>
      <div ref={ref}>
        {paint === undefined ? null : (
          <PickArea
            label={label}
            scale={scale}
            onHover={(x, y) => {
              setHover(x === undefined ? undefined : mapPlaceAt(layout, x, y));
            }}
            onPick={(x, y) => {
              const at = mapPlaceAt(layout, x, y);
              const next = at === undefined ? undefined : layers[at.layer];
              if (at !== undefined && next !== undefined) onLook({ layer: next, expert: at.expert });
            }}
            onMove={(dx, dy) => {
              const from = now().selection?.layer ?? layer ?? -1;
              const next = layers[Math.min(layers.length - 1, Math.max(0, layers.indexOf(from) + dy))];
              if (next === undefined) return;
              const nextExpert = Math.min(nExpert - 1, Math.max(0, (expert ?? -1) + dx));
              onLook(dx === 0 ? { layer: next } : { layer: next, expert: nextExpert });
            }}
          >
            <RasterCanvas paint={paint} />
            <Scene node={overlay} />
          </PickArea>
        )}
      </div>
    </>
  );
}

function MapReadout(props: {
  readonly maps: readonly LoadMap[];
  readonly layers: readonly number[];
  readonly at: { readonly layer: number; readonly expert: number };
}): ReactElement {
  const { maps, layers, at } = props;
  return (
    <>
      <b>
        Layer {layers[at.layer]}, expert {at.expert}
      </b>
      {maps.map((map) => (
        <span key={map.title}>
          {map.title} <span className="whole">{formatShare(map.shares[at.layer]?.[at.expert] ?? 0)}</span>
        </span>
      ))}
    </>
  );
}
