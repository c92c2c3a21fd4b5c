import { blend, type FigureTheme, type Rgb } from './colour';
import { labelledIndices } from './layer-axis';
import { createRaster, fillRect, type Raster } from './raster';
import { group, svg, type SvgNode } from './svg';

/** One or more layer x expert maps side by side (below each other where there is no room), on one scale. */
export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly nExpert: number;
  readonly nLayer: number;
  /** Where each map's cells begin. */
  readonly origins: readonly (readonly [number, number])[];
}

/** Shares of tokens that chose an expert: one layer after the other, nExpert each; undefined where nothing is known. */
export interface LoadMap {
  readonly title: string;
  readonly shares: readonly (readonly number[] | undefined)[];
  /** Cells to be boxed. */
  readonly rings?: readonly { readonly layer: number; readonly expert: number }[];
  /** Experts whose share is another one than in the map that this one is compared with. */
  readonly differs?: ((layer: number, expert: number) => boolean) | undefined;
}

const LEFT = 34;
const TITLE = 36;
const GAP = 30;
/** Times the even load at which a cell is all ink. */
export const FULL = 4;

/** `count` maps in as many columns as the width allows. */
export function mapLayout(count: number, nLayer: number, nExpert: number, width: number): MapLayout {
  const narrowest = Math.max(150, nExpert * 2);
  const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (narrowest + LEFT + GAP))));
  const each = (width - GAP * (columns - 1)) / columns;
  const cellWidth = Math.min(22, (each - LEFT) / Math.max(1, nExpert));
  const cellHeight = Math.min(15, Math.max(3, 300 / Math.max(1, nLayer)));
  const rowHeight = TITLE + nLayer * cellHeight + 18;
  const origins = Array.from(
    { length: count },
    (_, i) => [(i % columns) * (each + GAP) + LEFT, Math.floor(i / columns) * rowHeight + TITLE] as const,
  );
  return {
    width,
    height: Math.ceil(count / columns) * rowHeight,
    cellWidth,
    cellHeight,
    nExpert,
    nLayer,
    origins,
  };
}

/** The ink of a share: from none to four times the even load (or every token), a scale that depends on the model alone. */
export function shareColour(theme: FigureTheme, share: number, even: number, differs = false): Rgb {
  if (share === 0 && !differs) return theme.blank;
  const full = Math.min(1, FULL * even);
  return blend(theme.blank, differs ? theme.flip : theme.ink, 0.1 + 0.86 * Math.min(1, share / full));
}

/** `even`: the share of tokens that an expert would get if all were used alike. */
export function paintMaps(
  maps: readonly LoadMap[],
  layout: MapLayout,
  even: number,
  theme: FigureTheme,
  ratio: number,
): Raster {
  const { cellWidth, cellHeight, nExpert } = layout;
  const raster = createRaster(layout.width * ratio, layout.height * ratio);
  const spaceX = cellWidth >= 5 ? 1 : 0;
  const spaceY = cellHeight >= 5 ? 1 : 0;
  maps.forEach((map, m) => {
    const [left, top] = layout.origins[m] ?? [0, 0];
    map.shares.forEach((shares, l) => {
      const y0 = (top + l * cellHeight) * ratio;
      const y1 = (top + (l + 1) * cellHeight - spaceY) * ratio;
      if (shares === undefined) return;
      for (let e = 0; e < nExpert; e++) {
        const x0 = (left + e * cellWidth) * ratio;
        const x1 = Math.max(x0 + 1, (left + (e + 1) * cellWidth - spaceX) * ratio);
        fillRect(raster, x0, y0, x1, y1, shareColour(theme, shares[e] ?? 0, even, map.differs?.(l, e) ?? false));
      }
    });
  });
  return raster;
}

/** Titles, expert and layer numbers, and a box round what is looked at. */
export function mapOverlay(
  maps: readonly LoadMap[],
  layers: readonly number[],
  layout: MapLayout,
  focus: { readonly layer: number | undefined; readonly expert: number | undefined },
): SvgNode {
  const { width, height, cellWidth, cellHeight, nExpert } = layout;
  const experts = labelledIndices(nExpert, cellWidth, nExpert > 99 ? 26 : 20);
  const rows = labelledIndices(layers.length, cellHeight, 12);
  const at = focus.layer === undefined ? -1 : layers.indexOf(focus.layer);
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    ...maps.map((map, m) => {
      const [left, top] = layout.origins[m] ?? [0, 0];
      return group('map', [
        svg('text', { x: left, y: top - 23, class: 'map-title' }, map.title),
        ...experts.map((e) =>
          svg(
            'text',
            {
              x: left + (e + 0.5) * cellWidth,
              y: top - 6,
              class: e === focus.expert ? 'tick strong' : 'tick',
              'text-anchor': 'middle',
            },
            String(e),
          ),
        ),
        ...rows.map((i) =>
          svg(
            'text',
            {
              x: left - 6,
              y: top + (i + 0.5) * cellHeight + 3.5,
              class: i === at ? 'tick strong' : 'tick',
              'text-anchor': 'end',
            },
            String(layers[i] ?? i),
          ),
        ),
        ...(map.rings ?? []).map(({ layer, expert }) =>
          svg('rect', {
            x: left + expert * cellWidth - 1,
            y: top + layers.indexOf(layer) * cellHeight - 1,
            width: Math.max(4, cellWidth + 1),
            height: Math.max(4, cellHeight + 1),
            class: 'telling-box',
          }),
        ),
        at < 0
          ? undefined
          : svg('rect', {
              x: left - 1.5,
              y: top + at * cellHeight - 1.5,
              width: nExpert * cellWidth + 2,
              height: cellHeight + 2,
              class: 'selected-box',
            }),
        at < 0 || focus.expert === undefined
          ? undefined
          : svg('rect', {
              x: left + focus.expert * cellWidth - 1.5,
              y: top + at * cellHeight - 1.5,
              width: Math.max(4, cellWidth + 2),
              height: cellHeight + 2,
              class: 'selected-box inner',
            }),
      ]);
    }),
  );
}

/** What lies under a pixel: the map, the index of the layer, the expert. */
export function mapPlaceAt(
  layout: MapLayout,
  x: number,
  y: number,
): { readonly map: number; readonly layer: number; readonly expert: number } | undefined {
  for (const [map, [left, top]] of layout.origins.entries()) {
    const expert = Math.floor((x - left) / layout.cellWidth);
    const layer = Math.floor((y - top) / layout.cellHeight);
    if (expert >= 0 && expert < layout.nExpert && layer >= 0 && layer < layout.nLayer) return { map, layer, expert };
  }
  return undefined;
}
