import { blend, type FigureTheme } from './colour';
import { labelledIndices } from './layer-axis';
import { createLine, createRaster, fillLine, inkLine, type Raster } from './raster';
import type { RoutingData, RoutingMark, RoutingToken } from './select-routing';
import { group, svg, type SvgNode } from './svg';

export interface RoutingLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** Few enough cells for a mark in each; otherwise cells are a raster and only flips are marked. */
  readonly marks: boolean;
}

const MAX_MARKS = 1600;

/** Token down, expert across. Cells are as large as the room and the number of tokens allow. */
export function routingLayout(data: RoutingData, width: number): RoutingLayout {
  const left = width < 420 ? 84 : 108;
  const top = 30;
  const cellWidth = Math.min(23, (width - left - 8) / data.nExpert);
  const nMarks = data.tokens.reduce((n, t) => n + t.marks.length, 0);
  const marks = cellWidth >= 11 && nMarks <= MAX_MARKS;
  const tallest = marks ? 17 : 10;
  const cellHeight = Math.min(tallest, Math.max(marks ? 13 : 2.5, 560 / Math.max(1, data.tokens.length)));
  return {
    width: Math.min(width, left + data.nExpert * cellWidth + 8),
    height: top + data.tokens.length * cellHeight + 4,
    left,
    top,
    cellWidth,
    cellHeight,
    marks,
  };
}

/** The cells' ground and, in a dense figure, the choices: ink by weight. */
export function paintRouting(data: RoutingData, layout: RoutingLayout, theme: FigureTheme, ratio: number): Raster {
  const raster = createRaster(layout.width * ratio, layout.height * ratio);
  const { left, top, cellWidth, cellHeight } = layout;
  const spaceX = cellWidth >= 5 ? 1.5 : 0;
  const spaceY = cellHeight >= 5 ? 1.5 : 0;
  const right = (left + data.nExpert * cellWidth) * ratio;
  const edges = Array.from({ length: data.nExpert }, (_, e) => {
    const x0 = (left + e * cellWidth) * ratio;
    return [x0, Math.max(x0 + 1, (left + (e + 1) * cellWidth - spaceX) * ratio)] as const;
  });
  const ground = createLine(raster);
  if (spaceX === 0) inkLine(ground, left * ratio, right, theme.blank);
  else for (const [x0, x1] of edges) inkLine(ground, x0, x1, theme.blank);
  const line = createLine(raster);
  data.tokens.forEach((token, t) => {
    line.set(ground);
    for (const mark of token.marks) {
      const [x0, x1] = edges[mark.expert] ?? [0, 0];
      inkLine(line, x0, x1, mixed(theme, mark, layout.marks));
    }
    fillLine(raster, (top + t * cellHeight) * ratio, (top + (t + 1) * cellHeight - spaceY) * ratio, line);
  });
  return raster;
}

function mixed(theme: FigureTheme, mark: RoutingMark, underMark: boolean): readonly [number, number, number] {
  const weight = Number.isFinite(mark.weight) ? Math.min(1, Math.max(0, mark.weight)) : 0;
  const t = (underMark ? 0.1 : 0.25) + (underMark ? 0.55 : 0.7) * weight;
  return blend(theme.blank, theme.ink, t);
}

/** Labels, and the marks: both chose, only the reference, only the tested arm. */
export function routingOverlay(data: RoutingData, layout: RoutingLayout, position: number | undefined): SvgNode {
  const { width, height, left, top, cellWidth, cellHeight } = layout;
  const experts = labelledIndices(data.nExpert, cellWidth, data.nExpert > 99 ? 26 : 20);
  const lines = labelledIndices(data.tokens.length, cellHeight, 12);
  const selected = position === undefined ? -1 : data.tokens.findIndex((t) => t.position === position);
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    svg('text', { x: left, y: 10, class: 'caption' }, 'expert'),
    group(
      'columns',
      experts.map((e) =>
        svg(
          'text',
          { x: left + (e + 0.5) * cellWidth - 0.75, y: top - 6, class: 'tick', 'text-anchor': 'middle' },
          String(e),
        ),
      ),
    ),
    group(
      'rows',
      lines.flatMap((i) => {
        const token = data.tokens[i];
        return token === undefined ? [] : [tokenLabel(token, left, top + (i + 0.5) * cellHeight + 3, layout.marks)];
      }),
    ),
    selected < 0
      ? undefined
      : svg('rect', {
          x: left - 3,
          y: top + selected * cellHeight - 1.5,
          width: data.nExpert * cellWidth + 4,
          height: cellHeight + 1.5,
          class: 'selected-box',
        }),
    group(
      'marks',
      data.tokens.flatMap((token, t) => tokenMarks(token, t, layout)),
    ),
  );
}

/** What lies under a pixel: the token's row, and the expert where the pointer is over a cell. */
export function routingPlaceAt(
  data: RoutingData,
  layout: RoutingLayout,
  x: number,
  y: number,
): { readonly token: RoutingToken; readonly expert: number | undefined } | undefined {
  const token = data.tokens[Math.floor((y - layout.top) / layout.cellHeight)];
  if (token === undefined) return undefined;
  const e = Math.floor((x - layout.left) / layout.cellWidth);
  return { token, expert: e >= 0 && e < data.nExpert ? e : undefined };
}

function tokenLabel(token: RoutingToken, left: number, y: number, roomy: boolean): SvgNode {
  const limit = roomy ? (left < 100 ? 9 : 12) : 10;
  const text = [...token.text].length > limit ? `${[...token.text].slice(0, limit - 1).join('')}…` : token.text;
  const label = roomy ? text : `${text} ${String(token.position)}`;
  const flipped = token.marks.some((m) => m.choice !== 'both');
  return svg('text', { x: left - 8, y, class: flipped ? 'token flipped' : 'token', 'text-anchor': 'end' }, label);
}

function tokenMarks(token: RoutingToken, row: number, layout: RoutingLayout): SvgNode[] {
  const { left, top, cellWidth, cellHeight } = layout;
  const y = top + (row + 0.5) * cellHeight - (cellHeight >= 5 ? 0.75 : 0);
  const r = layout.marks ? 4 : Math.max(2.4, Math.min(3.4, Math.max(cellWidth, cellHeight) / 2.2));
  return token.marks.flatMap((mark) => {
    const x = left + (mark.expert + 0.5) * cellWidth - (cellWidth >= 5 ? 0.75 : 0);
    if (mark.choice === 'both')
      return layout.marks ? [svg('circle', { cx: x, cy: y, r: 2.6, class: 'chose-both' })] : [];
    if (mark.choice === 'only-b') return [svg('circle', { cx: x, cy: y, r, class: 'chose-b' })];
    const cross = `M${String(x - r)} ${String(y - r)}l${String(2 * r)} ${String(2 * r)}m0 ${String(-2 * r)}l${String(-2 * r)} ${String(2 * r)}`;
    return [svg('path', { d: cross, class: 'chose-a' })];
  });
}
