import { CHOSEN_EXPERTS } from '../../model/stage-roles';
import type { StageId } from '../../model/stages';
import { svg, type SvgNode } from '../svg';
import { Cells, stripes } from './cells';
import type { MapLayout } from './layout';
import { binAtPosition, hasPositions, type Bin } from './measure';
import type { MapData, MapRow, Shade } from './map-types';
import { shadowAtPosition } from './shadow';
import { label } from './text';
import type { MapTheme } from './theme';

/** What a bin looks like under a shade; undefined: it has no plain colour. */
export function colourOf(bin: Bin, shade: Shade, theme: MapTheme): string | undefined {
  if (bin === 'flip') return theme.flip;
  if (bin === 'inherited') return theme.shadow.at(-1);
  if (bin === undefined || bin === 'nonfinite') return undefined;
  const ramp = shade === 'full' ? theme.shadow : shade === 'half' ? theme.half : theme.bins;
  return ramp[bin] ?? theme.bins[bin];
}

/** Every cell of the window, and the bookends. */
export function drawCells(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const cells = new Cells(theme);
  const paint = (bin: Bin, shade: Shade, x: number, y: number, width: number, height: number): void => {
    const colour = colourOf(bin, shade, theme);
    if (colour !== undefined) cells.fill(colour, x, y, width, height);
    else if (bin === 'nonfinite') cells.nonfinite(x, y, width, height);
    else cells.none(x, y, width, height);
  };
  const { measure, limit } = data;
  const n = data.view.positions.length;
  data.rows.forEach(({ stage, headline }, r) => {
    const box = layout.rows[r];
    if (box === undefined) return;
    const pad = headline ? 1.5 : 0;
    const y = box.y + pad;
    const height = box.height - 1 - 2 * pad;
    for (let l = layout.window.from; l < layout.window.to; l++) {
      const layer = data.layers[l] ?? 0;
      const x = layout.x(l);
      const width = layout.pitch - layout.gap + (layout.gap === 0 ? 0.4 : 0);
      if (layer > data.layersDone) {
        cells.fill(theme.panel, x, y, width, height);
        continue;
      }
      const row = data.row(measure.basis, stage, layer);
      const shade = data.shade(stage, layer);
      if (!layout.tokens || row === undefined || !hasFigures(row, data)) {
        paint(data.bin(stage, layer), shade, x, y, width, height);
        continue;
      }
      const free = data.row('free', stage, layer);
      const step = width / n;
      const blamed = data.blamed(stage, layer);
      for (let t = 0; t < n; t++) {
        const bin = binAtPosition(row, measure, limit, t, blamed);
        const own = shadowAtPosition(data, free, bin, shade, t);
        paint(bin, own, x + t * step, y, step - (step >= 5 ? 0.8 : 0), height);
      }
    }
  });
  return cells.nodes();
}

/** Index stages have their sets by position, whatever the unit. */
function hasFigures(row: NonNullable<ReturnType<MapData['row']>>, { measure }: MapData): boolean {
  return row.jaccard === undefined ? hasPositions(row, measure.unit) : row.perPosition !== undefined;
}

/** The stages of the whole model, upright at both ends. */
export function drawBookends(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { size, window, rightEdge } = layout;
  const nodes: SvgNode[] = [];
  if (window.from === 0) {
    data.before.forEach((row, i) => {
      nodes.push(...bookend(data, layout, theme, row, size.gutter + i * (size.bookend + 6)));
    });
  }
  if (window.to === data.layers.length) {
    data.after.forEach((row, i) => {
      nodes.push(...bookend(data, layout, theme, row, rightEdge + 6 + i * (size.bookend + 2)));
    });
  }
  return nodes;
}

function bookend(
  data: MapData,
  { size, top, bottom }: MapLayout,
  theme: MapTheme,
  { stage, title }: MapRow,
  x: number,
): readonly SvgNode[] {
  const width = size.bookend;
  const bin = data.bin(stage, undefined);
  const isOpen = data.view.verdict === undefined && data.row(data.measure.basis, stage, undefined) === undefined;
  const colour = isOpen ? theme.panel : colourOf(bin, data.shade(stage, undefined), theme);
  const box = { x, y: top, width, height: bottom - top };
  const nodes: SvgNode[] = [];
  if (colour !== undefined) nodes.push(svg('rect', { ...box, fill: colour }));
  else if (bin === 'nonfinite') {
    nodes.push(svg('rect', { ...box, fill: theme.stripe[0] }));
    nodes.push(
      svg('path', {
        d: stripes(x, top, width, bottom - top),
        fill: 'none',
        stroke: theme.stripe[1],
        'stroke-width': 1.6,
      }),
    );
  } else {
    nodes.push(svg('rect', { ...box, fill: 'none', stroke: theme.rule2, 'stroke-dasharray': '2 2' }));
  }
  if (width < 14) return nodes;
  const middle = (top + bottom) / 2;
  const half = title.length * size.font * 0.31;
  if (bin === 'nonfinite') {
    nodes.push(svg('rect', { x: x + 1, y: middle - half, width: width - 2, height: 2 * half, fill: theme.paper }));
  }
  const hot = typeof bin === 'number' && bin > 5;
  const at = `translate(${String(x + width / 2 + size.font * 0.33)} ${String(middle)}) rotate(-90)`;
  const look = { fill: hot ? '#1b1a16' : theme.ink, size: size.font - 0.5, anchor: 'middle' } as const;
  nodes.push(svg('g', { transform: at }, label(0, 0, look, title)));
  return nodes;
}

/** Tokens that chose other experts: triangles on the router's row, their height the share of tokens. */
export function drawFlips(data: MapData, layout: MapLayout, theme: MapTheme, on: StageId): readonly SvgNode[] {
  const r = data.rows.findIndex((row) => row.stage === on);
  const box = layout.rows[r];
  if (box === undefined) return [];
  const positions = data.view.positions;
  const base = box.y + box.height - 4;
  let d = '';
  for (let l = layout.window.from; l < layout.window.to; l++) {
    const flips = data.row('free', CHOSEN_EXPERTS, data.layers[l])?.flips ?? [];
    if (flips.length === 0) continue;
    const width = layout.pitch - layout.gap;
    if (layout.tokens) {
      const step = width / positions.length;
      const half = Math.min(4.5, step * 0.36);
      for (const flip of flips) {
        const t = positions.indexOf(flip.position);
        if (t >= 0) d += triangle(layout.x(l) + (t + 0.5) * step, base, half, Math.min(8, box.height * 0.4));
      }
      continue;
    }
    const share = Math.min(1, flips.length / Math.max(1, positions.length));
    d += triangle(layout.x(l) + width / 2, base, Math.min(4.5, layout.pitch * 0.4), 5 + 5 * share);
  }
  if (d === '') return [];
  return [svg('path', { d, fill: theme.flip, stroke: theme.paper, 'stroke-width': layout.pitch >= 9 ? 0.8 : 0 })];
}

function triangle(x: number, base: number, half: number, height: number): string {
  const [left, width, h] = [x - half, 2 * half, height].map((v) => Math.round(v * 10) / 10);
  return `M${String(left)} ${String(Math.round(base * 10) / 10)}h${String(width)}l${String(-half)} ${String(-(h ?? 0))}z`;
}
