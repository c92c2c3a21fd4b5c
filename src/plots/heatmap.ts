import { COLOUR_DECADES, cssColour, errorColour, type Decades, type FigureTheme, type Rgb } from './colour';
import type { HeatMeasureSpec } from './heat-measures';
import { labelledIndices } from './layer-axis';
import { createLine, createRaster, fillLine, fillRect, hatchRect, inkLine, type Raster } from './raster';
import { cellKey, valueAt, type HeatData, type HeatRow } from './select-heatmap';
import { group, svg, type SvgNode } from './svg';
import type { StageId } from '../model/stages';

export interface HeatLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly rowHeight: number;
  /** Width of one layer's block, gap excluded. */
  readonly blockWidth: number;
  readonly gap: number;
  /** Columns inside a block: one a position, or 1 where a block shows the worst of all. */
  readonly columns: number;
}

export interface HeatPlace {
  readonly stage: StageId;
  /** The column's layer. */
  readonly layer: number;
  /** Prompt position; undefined where the block shows the worst of all. */
  readonly position: number | undefined;
}

/** Below this many pixels a token's column says nothing; a block then shows its worst token. */
const MIN_TOKEN_WIDTH = 2.4;
const NARROW = 600;

/** Where everything goes, in pixels; the drawing, the raster and the pointer all read it. */
export function heatLayout(data: HeatData, width: number): HeatLayout {
  const narrow = width < NARROW;
  const left = narrow ? 104 : 134;
  const nLayer = Math.max(1, data.layers.length);
  const room = width - left - 2;
  const gap = nLayer <= 12 ? (narrow ? 4 : 9) : room / nLayer > 8 ? 1.5 : 0;
  const blockWidth = Math.max(1, (room - gap * (nLayer - 1)) / nLayer);
  const perToken = blockWidth / Math.max(1, data.positions.length);
  const rowHeight = narrow ? 13 : 15;
  const top = 22;
  return {
    width,
    height: top + data.stages.length * rowHeight + 2,
    left,
    top,
    rowHeight,
    blockWidth,
    gap,
    columns: data.measure.perToken && perToken >= MIN_TOKEN_WIDTH ? data.positions.length : 1,
  };
}

/** The cells, in device pixels: `ratio` device pixels to a pixel of the layout. */
export function paintHeatmap(data: HeatData, layout: HeatLayout, theme: FigureTheme, ratio: number): Raster {
  const raster = createRaster(layout.width * ratio, layout.height * ratio);
  const cellWidth = layout.blockWidth / layout.columns;
  // Whole device pixels, so that the lines between cells are all of one width.
  const space = cellWidth >= 5 ? Math.max(1, Math.round(ratio * 0.7)) : 0;
  data.stages.forEach((stage, r) => {
    const y0 = (layout.top + r * layout.rowHeight) * ratio;
    const y1 = (layout.top + (r + 1) * layout.rowHeight - 1) * ratio;
    const line = createLine(raster);
    const hatched: (readonly [x0: number, x1: number])[] = [];
    data.layers.forEach((layer, l) => {
      const cell = data.cells.get(cellKey(stage.stage, layer));
      const x = blockLeft(layout, l);
      for (let c = 0; c < layout.columns; c++) {
        const value = layout.columns === 1 ? cell?.worst : valueAt(cell, c);
        const x0 = (x + c * cellWidth) * ratio;
        const last = c === layout.columns - 1;
        const x1 = Math.round((x + (c + 1) * cellWidth) * ratio) - (last ? 0 : space);
        const colour = cellColour(value, theme, data.measure.decades);
        if (colour === undefined) hatched.push([x0, x1]);
        else inkLine(line, x0, x1, colour);
      }
    });
    fillLine(raster, y0, y1, line);
    for (const [x0, x1] of hatched) hatchCell(raster, x0, y0, x1, y1, theme, ratio);
  });
  return raster;
}

/** One value as a cell: colour, exact, hatched, or the faint ground of what was not measured. */
export function paintCell(
  raster: Raster,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  value: number | undefined,
  theme: FigureTheme,
  ratio: number,
  decades: Decades = COLOUR_DECADES,
): void {
  const colour = cellColour(value, theme, decades);
  if (colour === undefined) hatchCell(raster, x0, y0, x1, y1, theme, ratio);
  else fillRect(raster, x0, y0, x1, y1, colour);
}

function hatchCell(
  raster: Raster,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  theme: FigureTheme,
  ratio: number,
): void {
  hatchRect(raster, x0, y0, x1, y1, theme.hatch, theme.paper, Math.round(5 * ratio));
}

/** A value's colour; undefined where it is not finite and the cell is hatched. */
export function cellColour(
  value: number | undefined,
  theme: FigureTheme,
  decades: Decades = COLOUR_DECADES,
): Rgb | undefined {
  if (value === undefined) return theme.blank;
  if (!Number.isFinite(value)) return undefined;
  return value === 0 ? theme.exact : errorColour(value, decades);
}

/** Labels and rings over the raster. */
export function heatOverlay(data: HeatData, layout: HeatLayout, selected: HeatPlace | undefined): SvgNode {
  const { width, height, left, top, rowHeight, blockWidth, gap } = layout;
  const labels = new Set(labelledIndices(data.layers.length, blockWidth + gap, 24));
  const roomy = blockWidth >= 52;
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    group(
      'rows',
      data.stages.map((row, r) =>
        svg(
          'text',
          {
            x: left - 8,
            y: top + r * rowHeight + rowHeight / 2 + 3.2,
            class: row.headline ? 'row strong' : 'row',
            'text-anchor': 'end',
          },
          row.title,
        ),
      ),
    ),
    group(
      'columns',
      data.layers.flatMap((layer, l) =>
        labels.has(l)
          ? [
              svg(
                'text',
                {
                  x: blockLeft(layout, l) + (roomy ? 0 : blockWidth / 2),
                  y: top - 7,
                  class: layer === data.first?.layer ? 'tick strong' : 'tick',
                  'text-anchor': roomy ? 'start' : 'middle',
                },
                roomy ? `layer ${String(layer)}` : String(layer),
              ),
            ]
          : [],
      ),
    ),
    data.first === undefined ? undefined : ringAt(data, layout, data.first.stage, data.first.layer, 'culprit-box'),
    selected === undefined ? undefined : selectionBox(data, layout, selected),
  );
}

/** What lies under a pixel of the layout; undefined outside the cells. */
export function heatPlaceAt(data: HeatData, layout: HeatLayout, x: number, y: number): HeatPlace | undefined {
  const r = Math.floor((y - layout.top) / layout.rowHeight);
  const l = Math.floor((x - layout.left) / (layout.blockWidth + layout.gap));
  const row = data.stages[r];
  const layer = data.layers[l];
  if (row === undefined || layer === undefined) return undefined;
  const within = (x - blockLeft(layout, l)) / (layout.blockWidth / layout.columns);
  const c = Math.min(layout.columns - 1, Math.max(0, Math.floor(within)));
  return { stage: row.stage, layer, position: layout.columns === 1 ? undefined : data.positions[c] };
}

/** The key under the heatmap: the fixed scale, exact, not finite, not captured. */
export function heatLegend(
  theme: FigureTheme,
  { ticks: exponents, note, decades }: Pick<HeatMeasureSpec, 'ticks' | 'note' | 'decades'>,
  room: number,
): SvgNode {
  // In a narrow column the swatches go under the strip.
  const narrow = room < 560;
  const [dx, dy] = narrow ? [-200, 42] : [0, 0];
  const stripWidth = 168;
  const steps = 84;
  const { from, to } = decades;
  const strip = Array.from({ length: steps }, (_, i) =>
    svg('rect', {
      x: (i * stripWidth) / steps,
      y: 0,
      width: stripWidth / steps + 0.3,
      height: 9,
      fill: cssColour(errorColour(10 ** (from + ((i + 0.5) / steps) * (to - from)), decades)),
    }),
  );
  const ticks = exponents.map((e) =>
    svg(
      'text',
      { x: ((e - from) / (to - from)) * stripWidth, y: 24, class: 'tick', 'text-anchor': 'middle' },
      '10',
      svg('tspan', { dy: -4, class: 'exponent' }, String(e).replace('-', '−')),
    ),
  );
  const swatch = (x: number, fill: string, text: string): SvgNode[] => [
    svg('rect', { x: x + dx, y: dy, width: 18, height: 9, fill, class: 'swatch' }),
    svg('text', { x: x + dx, y: 24 + dy, class: 'tick' }, text),
  ];
  return svg(
    'svg',
    {
      class: 'plot legend',
      viewBox: narrow ? '-14 0 330 72' : '-14 0 560 30',
      width: narrow ? 330 : 560,
      height: narrow ? 72 : 30,
      'aria-hidden': 'true',
    },
    svg(
      'defs',
      {},
      svg(
        'pattern',
        { id: 'hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
        svg('rect', { width: 5, height: 5, fill: cssColour(theme.paper) }),
        svg('rect', { width: 2.4, height: 5, fill: cssColour(theme.hatch) }),
      ),
    ),
    group('strip', strip),
    group('ticks', ticks),
    ...swatch(200, cssColour(theme.exact), '0, exact'),
    ...swatch(266, 'url(#hatch)', 'NaN, Inf'),
    ...swatch(334, cssColour(theme.blank), 'not compared'),
    svg('text', { x: narrow ? 188 : 424, y: 9, class: 'tick' }, note),
  );
}

function blockLeft(layout: HeatLayout, index: number): number {
  return layout.left + index * (layout.blockWidth + layout.gap);
}

function ringAt(data: HeatData, layout: HeatLayout, stage: StageId, layer: number, name: string): SvgNode | undefined {
  const r = data.stages.findIndex((row: HeatRow) => row.stage === stage);
  const l = data.layers.indexOf(layer);
  if (r < 0 || l < 0) return undefined;
  const grow = layout.gap >= 4 ? 2.5 : 1.5;
  return svg('rect', {
    x: blockLeft(layout, l) - grow,
    y: layout.top + r * layout.rowHeight - grow + 0.5,
    width: layout.blockWidth + 2 * grow,
    height: layout.rowHeight - 1 + 2 * grow - 1,
    class: name,
  });
}

function selectionBox(data: HeatData, layout: HeatLayout, place: HeatPlace): SvgNode | undefined {
  const c = place.position === undefined ? -1 : data.positions.indexOf(place.position);
  const isFirst = data.first?.stage === place.stage && data.first.layer === place.layer;
  const whole = isFirst ? undefined : ringAt(data, layout, place.stage, place.layer, 'selected-box');
  if (layout.columns === 1 || c < 0 || !data.layers.includes(place.layer)) return whole;
  const l = data.layers.indexOf(place.layer);
  const cellWidth = layout.blockWidth / layout.columns;
  return group('selected-cell', [
    whole,
    svg('rect', {
      x: blockLeft(layout, l) + c * cellWidth - 1,
      y: layout.top + data.stages.findIndex((row) => row.stage === place.stage) * layout.rowHeight - 1,
      width: Math.max(4, cellWidth + 1.4),
      height: layout.rowHeight + 1,
      class: 'selected-box inner',
    }),
  ]);
}
