import { formatMetric } from '../base/format';
import { RATIO_BINS, RATIO_EDGES } from '../divergence/ratio-bins';
import { binName, type RatioLine } from './select-ratios';
import { cut, group, powerOfTen, svg, type SvgNode } from './svg';

export interface RatioLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly rowHeight: number;
}

const NARROW = 600;
/** The decade left of the first edge, where the first bin's ticks are kept. */
const FIRST_DECADE = Math.log10(RATIO_EDGES[1]) - 1;

export function ratioLayout(lines: readonly RatioLine[], width: number): RatioLayout {
  const narrow = width < NARROW;
  return {
    width,
    height: 26 + lines.length * 15 + 24,
    left: narrow ? 104 : 134,
    right: width - (narrow ? 44 : 190),
    top: 26,
    rowHeight: 15,
  };
}

/** Where a ratio stands: a column for exact zeros, the decades, a column for what is above them all or not finite. */
export function ratioX(layout: RatioLayout, ratio: number): number {
  const column = (layout.right - layout.left) / RATIO_BINS;
  if (ratio === 0) return layout.left + column / 2;
  if (!Number.isFinite(ratio) || ratio > RATIO_EDGES[RATIO_EDGES.length - 1]!) return layout.right - column / 2;
  const decades = Math.max(0.02, Math.log10(ratio) - FIRST_DECADE);
  return layout.left + column * (1 + decades);
}

/** Every stage on one fixed axis of error / bound: the elements as shade, each layer's largest as a tick, the bound as a line. */
export function ratioStrip(lines: readonly RatioLine[], layout: RatioLayout, selected: string | undefined): SvgNode {
  const { width, height, left, right, top, rowHeight } = layout;
  const bottom = top + lines.length * rowHeight;
  const column = (right - left) / RATIO_BINS;
  const narrow = width < NARROW;
  const limit = ratioX(layout, 1);
  const header = (x: number, text: string): SvgNode =>
    svg('text', { x, y: top - 8, class: 'tick', 'text-anchor': 'end' }, text);
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    svg('rect', { x: limit, y: top, width: right - limit, height: bottom - top, class: 'over' }),
    group(
      'lines',
      lines.map((line, r) => ratioRow(line, layout, top + r * rowHeight, line.stage === selected)),
    ),
    svg('line', { x1: limit, x2: limit, y1: top - 4, y2: bottom + 4, class: 'limit-line' }),
    svg('text', { x: limit, y: top - 8, class: 'limit-text', 'text-anchor': 'middle' }, 'bound'),
    narrow ? header(width, 'largest') : undefined,
    ...(narrow ? [] : [header(right + 56, 'largest'), header(right + 122, 'median'), header(right + 190, '× random')]),
    group('axis', [
      svg('text', { x: left + column / 2, y: bottom + 16, class: 'tick', 'text-anchor': 'middle' }, '0'),
      ...RATIO_EDGES.slice(1).flatMap((edge, i) => {
        const exponent = Math.round(Math.log10(edge));
        const skip = narrow ? exponent % 3 !== 0 : exponent % 2 !== 0;
        if (skip) return [];
        const x = left + column * (i + 2);
        return [svg('text', { x, y: bottom + 16, class: 'tick', 'text-anchor': 'middle' }, ...powerOfTen(exponent))];
      }),
    ]),
  );
}

function ratioRow(line: RatioLine, layout: RatioLayout, y: number, selected: boolean): SvgNode {
  const { width, left, right, rowHeight } = layout;
  const column = (right - left) / RATIO_BINS;
  const base = y + rowHeight / 2 + 3.5;
  const over = !(line.worst <= 1);
  const number = (x: number, text: string, bad = false): SvgNode =>
    svg('text', { x, y: base, class: bad ? 'number bad' : 'number', 'text-anchor': 'end' }, text);
  const ticks = line.largest
    .map(({ ratio }) => `M${String(cut(ratioX(layout, ratio)))} ${String(y + 1)}v${String(rowHeight - 3)}`)
    .join('');
  return group(selected ? 'ratio-row selected' : 'ratio-row', [
    svg(
      'text',
      { x: left - 8, y: base, class: line.headline || selected ? 'row strong' : 'row', 'text-anchor': 'end' },
      line.title,
    ),
    svg('line', { x1: left, x2: right, y1: y + rowHeight - 0.5, y2: y + rowHeight - 0.5, class: 'grid faint' }),
    ...(line.shares ?? []).map((share, bin) =>
      share === 0
        ? undefined
        : svg('rect', {
            x: left + bin * column + 0.5,
            y: y + 2,
            width: column - 1,
            height: rowHeight - 5,
            class: 'ratio-bin',
            'fill-opacity': 0.1 + 0.75 * Math.sqrt(share),
          }),
    ),
    svg('path', { d: ticks, class: over ? 'largest bad' : 'largest' }),
    ...(width < NARROW
      ? [number(width, formatMetric(line.worst), over)]
      : [
          number(right + 56, formatMetric(line.worst), over),
          number(right + 122, line.median === undefined ? '–' : binName(line.median)),
          number(right + 190, formatMetric(line.estimate)),
        ]),
  ]);
}

/** The line under a pixel of the layout. */
export function ratioLineAt(lines: readonly RatioLine[], layout: RatioLayout, y: number): RatioLine | undefined {
  return lines[Math.floor((y - layout.top) / layout.rowHeight)];
}
