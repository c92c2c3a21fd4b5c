import type { MapData } from '../map/map-types';
import { label, quiet } from '../map/text';
import { rgbOf, type MapTheme } from '../map/theme';
import { createRaster, fillRect, type Raster } from '../raster';
import type { LoadData } from '../select-load';
import { svg, type SvgNode } from '../svg';
import type { Columns } from './columns';
import { layerAxisNodes } from './token-map';

export interface LoadPlot {
  /** The share of tokens that each used expert of a layer takes, the busiest first; undefined where routing was not captured. */
  readonly shares: readonly (readonly number[] | undefined)[];
  /** Of all layers. */
  readonly least: number;
  readonly most: number;
  readonly row: number;
  readonly height: number;
  readonly columns: Columns;
}

const TALL = 260;

/** Experts sorted by load within a layer: an expert's number means nothing across layers. Idle ones are not drawn. */
export function loadPlot(data: LoadData, columns: Columns): LoadPlot | undefined {
  const side = data.sides.includes('b') ? 'b' : 'a';
  const shares = data.loads.map((load) => {
    const counts = load?.[side];
    if (load === undefined || counts === undefined) return undefined;
    return counts
      .filter((n) => n > 0)
      .sort((x, y) => y - x)
      .map((n) => n / load.tokens);
  });
  const used = shares.flatMap((s) => (s === undefined ? [] : [s.length]));
  if (used.length === 0) return undefined;
  const most = Math.max(...used);
  const row = Math.max(1, Math.min(13, Math.floor((TALL / most) * 2) / 2));
  return { shares, least: Math.min(...used), most, row, height: Math.round(most * row), columns };
}

export function paintLoad({ shares, columns, row, height }: LoadPlot, theme: MapTheme, ratio: number): Raster {
  const raster = createRaster(columns.width * ratio, height * ratio);
  const ground = rgbOf(theme.panel);
  const ink = rgbOf(theme.ink);
  const mix = (t: number): readonly [number, number, number] => {
    const at = (i: 0 | 1 | 2): number => Math.round(ground[i] + (ink[i] - ground[i]) * t);
    return [at(0), at(1), at(2)];
  };
  for (let l = columns.from; l < columns.to; l++) {
    const x0 = columns.x(l) * ratio;
    const x1 = (columns.x(l) + columns.pitch - columns.gap) * ratio;
    fillRect(raster, x0, 0, x1, height * ratio, ground);
    shares[l]?.forEach((share, i) => {
      const y1 = ((i + 1) * row - (row > 4 ? 1 : 0)) * ratio;
      fillRect(raster, x0, i * row * ratio, x1, y1, mix(Math.min(1, 0.14 + share * 1.1)));
    });
  }
  return raster;
}

export function loadOverlay(data: MapData, { columns, height }: LoadPlot, theme: MapTheme): SvgNode {
  const look = quiet(theme, 11.5, 'end');
  const box = { viewBox: `0 0 ${columns.width} ${height + 20}`, width: columns.width, height: height + 20 };
  return svg(
    'svg',
    { ...box, 'aria-hidden': 'true' },
    label(columns.gutter - 8, 11, look, 'busiest'),
    height > 30 ? label(columns.gutter - 8, height - 2, look, 'least used') : undefined,
    ...layerAxisNodes(data, columns, theme, height + 14),
  );
}
