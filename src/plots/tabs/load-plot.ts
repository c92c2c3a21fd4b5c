import type { MapData } from '../map/map-types';
import { label, quiet } from '../map/text';
import { rgbOf, type MapTheme } from '../map/theme';
import { createRaster, fillRect, type Raster, type Rgb } from '../raster';
import type { LoadData } from '../select-load';
import { svg, type SvgNode } from '../svg';
import type { Columns } from './columns';
import { layerAxisNodes } from './token-map';

export interface LoadPlot {
  /** In the order of the layers; undefined where routing was not captured. */
  readonly shares: LoadShares;
  /** Of all layers. */
  readonly least: number;
  readonly most: number;
  readonly row: number;
  readonly height: number;
  readonly columns: Columns;
}

const TALL = 260;
/** Rows taller than this have a line of the ground below them. */
const LINED = 4;

/** What each used expert of each layer takes of its tokens, the busiest first. */
export type LoadShares = readonly (Float64Array | undefined)[];

export function loadShares({ loads, sides }: LoadData): LoadShares {
  const side = sides.includes('b') ? 'b' : 'a';
  return loads.map((load) => {
    const counts = load?.[side];
    if (load === undefined || counts === undefined) return undefined;
    const used = Float64Array.from(counts.filter((n) => n > 0));
    return used
      .sort()
      .reverse()
      .map((n) => n / load.tokens);
  });
}

/** Experts sorted by load within a layer: an expert's number means nothing across layers. Idle ones are not drawn. */
export function loadPlot(shares: LoadShares, columns: Columns): LoadPlot | undefined {
  const used = shares.flatMap((s) => (s === undefined ? [] : [s.length]));
  if (used.length === 0) return undefined;
  const most = Math.max(...used);
  const row = Math.max(1, Math.min(13, Math.floor((TALL / most) * 2) / 2));
  return { shares, least: Math.min(...used), most, row, height: Math.round(most * row), columns };
}

/** Shades of ink that a share is rounded to: screens show no more. */
const TONES = 256;

export function paintLoad({ shares, columns, row, height }: LoadPlot, theme: MapTheme, ratio: number): Raster {
  const raster = createRaster(columns.width * ratio, height * ratio);
  const ground = rgbOf(theme.panel);
  const ink = rgbOf(theme.ink);
  const tones = Array.from({ length: TONES }, (_, t): Rgb => {
    const at = (i: 0 | 1 | 2): number => Math.round(ground[i] + ((ink[i] - ground[i]) * t) / (TONES - 1));
    return [at(0), at(1), at(2)];
  });
  for (let l = columns.from; l < columns.to; l++) {
    const x0 = columns.x(l) * ratio;
    const x1 = (columns.x(l) + columns.pitch - columns.gap) * ratio;
    fillRect(raster, x0, 0, x1, height * ratio, ground);
    const own = shares[l] ?? [];
    // Sorted: experts of one share are one rectangle, unless there is a line between them.
    for (let i = 0, next = 0; i < own.length; i = next) {
      next = i + 1;
      while (row <= LINED && next < own.length && own[next] === own[i]) next++;
      const y1 = (next * row - (row > LINED ? 1 : 0)) * ratio;
      const tone = Math.round((TONES - 1) * Math.min(1, 0.14 + (own[i] ?? 0) * 1.1));
      fillRect(raster, x0, i * row * ratio, x1, y1, tones[tone] ?? ink);
    }
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
