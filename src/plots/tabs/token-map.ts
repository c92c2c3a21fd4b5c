import { visibleToken } from '../../base/format';
import type { Row } from '../../divergence/report';
import type { StageId } from '../../model/stages';
import { binAtPosition, FIRST_HOT, hasPositions, type Bin, type Measure } from '../map/measure';
import type { MapData } from '../map/map-types';
import { label, quiet, strong } from '../map/text';
import { rgbOf, type MapTheme } from '../map/theme';
import { createRaster, fillRect, hatchRect, type Raster } from '../raster';
import { svg, type SvgNode } from '../svg';
import type { Columns } from './columns';

/** Tokens down, the map's layers across, for one stage. */
export interface TokenMap {
  readonly stage: StageId;
  /** By what it is drawn: the page's measure, or free-running relative L2 where the rows keep nothing else by token. */
  readonly measure: Measure;
  readonly tokens: number;
  /** Pixels a token; below one, a line of pixels is the worst of several. */
  readonly row: number;
  readonly height: number;
  readonly columns: Columns;
}

/** Up to so many tokens each has a row with its text; up to so many a row. */
const NAMED = 24;
const ROWS = 60;
const TALLEST = 320;
/** Tokens of the lens, either side of the one in hand. */
const LENS = 4;

export function tokenMap(data: MapData, wish: StageId, columns: Columns): TokenMap | undefined {
  const { positions } = data.view;
  const stages = [wish, ...data.rows.filter((row) => row.headline).map((row) => row.stage)];
  const measures: readonly Measure[] = [data.measure, { ...data.measure, unit: 'l2' }, { basis: 'free', unit: 'l2' }];
  for (const stage of stages) {
    for (const measure of measures) {
      const known = data.layers.some((layer) => hasPositions(data.row(measure.basis, stage, layer), measure.unit));
      if (!known) continue;
      const tokens = positions.length;
      const row = tokens <= NAMED ? 15 : tokens <= ROWS ? 8 : tokens <= TALLEST ? 1 : TALLEST / tokens;
      return { stage, measure, tokens, row, height: Math.max(24, Math.round(tokens * row)), columns };
    }
  }
  return undefined;
}

/** The cells, in device pixels. */
export function paintTokenMap(data: MapData, map: TokenMap, theme: MapTheme, ratio: number): Raster {
  const { columns, row: rowHeight, stage, measure, tokens } = map;
  const raster = createRaster(columns.width * ratio, map.height * ratio);
  const colours = theme.bins.map(rgbOf);
  const [ground, stripe] = theme.stripe.map(rgbOf);
  const none = rgbOf(theme.panel);
  const flip = rgbOf(theme.flip);
  const inherited = rgbOf(theme.shadow.at(-1) ?? theme.panel);
  const lines = Math.round(map.height / Math.max(1, rowHeight));
  const step = rowHeight >= 1 ? rowHeight : 1;
  const space = rowHeight >= 8 ? 1 : 0;
  for (let l = columns.from; l < columns.to; l++) {
    const row = data.row(measure.basis, stage, data.layers[l]);
    if (row === undefined) continue;
    const blamed = data.blamed(stage, data.layers[l]);
    const x0 = columns.x(l) * ratio;
    const x1 = (columns.x(l) + columns.pitch - columns.gap) * ratio;
    for (let line = 0; line < (rowHeight >= 1 ? tokens : lines); line++) {
      const bin =
        rowHeight >= 1 ? binAtPosition(row, measure, data.limit, line, blamed) : worstOf(row, map, data, line, blamed);
      const y0 = line * step * ratio;
      const y1 = ((line + 1) * step - space) * ratio;
      if (bin === 'nonfinite' && ground !== undefined && stripe !== undefined) {
        hatchRect(raster, x0, y0, x1, y1, stripe, ground, Math.max(3, Math.round(5 * ratio)));
        continue;
      }
      const colour =
        bin === 'flip' ? flip : bin === 'inherited' ? inherited : typeof bin === 'number' ? colours[bin] : none;
      if (colour !== undefined) fillRect(raster, x0, y0, x1, y1, colour);
    }
  }
  return raster;
}

/** The worst of the tokens that share a line of pixels. */
function worstOf(
  row: Row,
  { row: rowHeight, tokens, measure }: TokenMap,
  data: MapData,
  line: number,
  blamed: boolean,
): Bin {
  const from = Math.floor(line / rowHeight);
  const to = Math.min(tokens, Math.floor((line + 1) / rowHeight));
  let worst: Bin;
  for (let t = from; t < to; t++) {
    const bin = binAtPosition(row, measure, data.limit, t, blamed);
    if (badness(bin) > badness(worst)) worst = bin;
  }
  return worst;
}

/** Order of bins: what a row has of its inputs is worse than a quiet value and better than a hot one. */
function badness(bin: Bin): number {
  if (bin === undefined) return -1;
  if (typeof bin === 'number') return bin;
  return bin === 'inherited' ? FIRST_HOT - 0.5 : bin === 'flip' ? FIRST_HOT : Infinity;
}

/** Names of tokens, the one in hand, the layer of the first wrong place. */
export function tokenMapOverlay(data: MapData, map: TokenMap, theme: MapTheme, position: number | undefined): SvgNode {
  const { columns, row, height, tokens } = map;
  const { positions, tokenTexts } = data.view;
  const at = position === undefined ? -1 : positions.indexOf(position);
  const nodes: SvgNode[] = [];
  const name = (t: number, y: number, x: number): void => {
    const place = positions[t] ?? t;
    const text = short(visibleToken(tokenTexts[place] ?? ''), columns.gutter < 120 ? 6 : 14);
    const look = t === at ? strong(theme, 12, 'end') : quiet(theme, 12, 'end');
    const family = "'IBM Plex Mono', monospace";
    nodes.push(
      label(x, y, look, svg('tspan', { 'font-family': family }, text), svg('tspan', { fill: theme.ink3 }, ` ${place}`)),
    );
  };
  if (tokens <= ROWS) {
    for (let t = 0; t < tokens; t++) {
      if (row >= 12 || t % 2 === 0 || t === at) name(t, t * row + row / 2 + 4, columns.gutter - 8);
    }
    if (at >= 0) {
      const box = { x: columns.left - 1, y: at * row - 1, width: columns.right - columns.left + 1, height: row + 1 };
      nodes.push(svg('rect', { ...box, fill: 'none', stroke: theme.ink, 'stroke-width': 1.4 }));
    }
  } else {
    const t = Math.max(0, at);
    const middle = Math.max(60, Math.min(height - 66, t * row));
    for (let d = -LENS; d <= LENS; d++) {
      if (t + d >= 0 && t + d < tokens) name(t + d, middle + d * 15 + 4, columns.gutter - 26);
    }
    const [a, b] = [Math.max(0, (t - LENS) * row), Math.min(height, (t + LENS + 1) * row)];
    const [x0, x1] = [columns.gutter - 20, columns.left - 2];
    nodes.push(
      svg('path', {
        d: `M${x0} ${middle - 66}L${x1} ${a}M${x0} ${middle + 66}L${x1} ${b}`,
        stroke: theme.ink3,
        fill: 'none',
      }),
      svg('rect', {
        x: columns.left - 1,
        y: a,
        width: columns.right - columns.left + 2,
        height: Math.max(3, b - a),
        fill: 'none',
        stroke: theme.ink,
      }),
    );
  }
  const first = data.layers.indexOf(data.first?.layer ?? -1);
  if (first >= columns.from && first < columns.to) {
    const x = columns.x(first) + (columns.pitch - columns.gap) / 2;
    nodes.push(svg('line', { x1: x, x2: x, y1: 0, y2: height, stroke: theme.edge, 'stroke-width': 1.2 }));
  }
  nodes.push(...layerAxisNodes(data, columns, theme, height + 14));
  const box = { viewBox: `0 0 ${columns.width} ${height + 20}`, width: columns.width, height: height + 20 };
  return svg('svg', { ...box, 'aria-hidden': 'true' }, ...nodes);
}

/** The layer and the token under a point. */
export function tokenMapAt(
  data: MapData,
  { columns, row, tokens }: TokenMap,
  x: number,
  y: number,
): { readonly layer: number; readonly position: number } | undefined {
  const l = Math.floor((x - columns.left) / columns.pitch) + columns.from;
  const t = Math.floor(y / row);
  if (l < columns.from || l >= columns.to || t < 0 || t >= tokens) return undefined;
  const [layer, position] = [data.layers[l], data.view.positions[t]];
  return layer === undefined || position === undefined ? undefined : { layer, position };
}

/** Layers below a figure that shares the map's columns. */
export function layerAxisNodes(data: MapData, columns: Columns, theme: MapTheme, y: number): readonly SvgNode[] {
  const room = (String(data.layers.at(-1) ?? 0).length + 1) * 7.5;
  const step = [1, 2, 5, 10, 20, 50, 100].find((s) => s * columns.pitch >= room) ?? 100;
  const nodes: SvgNode[] = [];
  for (let l = columns.from; l < columns.to; l++) {
    const layer = data.layers[l] ?? l;
    if (layer % step !== 0) continue;
    nodes.push(label(columns.x(l) + columns.pitch / 2, y, quiet(theme, 11.5, 'middle'), String(layer)));
  }
  nodes.push(label(columns.gutter - 8, y, quiet(theme, 11.5, 'end'), 'layer'));
  return nodes;
}

export function short(text: string, most: number): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
}
