import { group, powerOfTen, svg, type SvgNode } from './svg';

export interface HistogramBar {
  readonly count: number;
  /** Class of the bar: what it stands for. */
  readonly kind?: 'plain' | 'over' | 'zero';
}

export interface HistogramTick {
  /** Between which bars: 0 is left of the first. A half stands under a bar. */
  readonly at: number;
  readonly text: string | number;
}

/** Counts as bars of a square-root scale, so that the few are seen beside the many; a number `at` is a power of ten. */
export function histogram(
  bars: readonly HistogramBar[],
  ticks: readonly HistogramTick[],
  options: {
    readonly width: number;
    readonly height: number;
    /** A line between two bars, named. */
    readonly limit?: { readonly at: number; readonly text: string };
    /** A second set of counts, drawn as an outline over the bars. */
    readonly outline?: readonly number[];
  },
): SvgNode {
  const { width, height, limit, outline } = options;
  const top = 16;
  const bottom = height - 20;
  const step = width / Math.max(1, bars.length);
  const most = Math.max(1, ...bars.map((b) => b.count), ...(outline ?? []));
  const tall = (count: number): number => (count === 0 ? 0 : Math.max(1.5, (bottom - top) * Math.sqrt(count / most)));
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    svg('line', { x1: 0, x2: width, y1: bottom, y2: bottom, class: 'grid' }),
    group(
      'bars',
      bars.map(({ count, kind = 'plain' }, i) =>
        count === 0
          ? undefined
          : svg('rect', {
              x: i * step + 0.75,
              y: bottom - tall(count),
              width: Math.max(1, step - 1.5),
              height: tall(count),
              class: `bar ${kind}`,
            }),
      ),
    ),
    outline === undefined ? undefined : svg('path', { d: stairs(outline.map(tall), step, bottom), class: 'outline' }),
    limit === undefined
      ? undefined
      : group('limit', [
          svg('line', { x1: limit.at * step, x2: limit.at * step, y1: top - 4, y2: bottom, class: 'limit-line' }),
          svg('text', { x: limit.at * step - 4, y: top - 4, class: 'limit-text', 'text-anchor': 'end' }, limit.text),
        ]),
    group(
      'ticks',
      ticks.map(({ at, text }) =>
        svg(
          'text',
          {
            x: at * step,
            y: bottom + 14,
            class: 'tick',
            'text-anchor': at <= 0 ? 'start' : at >= bars.length ? 'end' : 'middle',
          },
          ...(typeof text === 'number' ? powerOfTen(text) : [text]),
        ),
      ),
    ),
  );
}

function stairs(heights: readonly number[], step: number, bottom: number): string {
  const path = heights.map((h, i) => `${i === 0 ? 'M' : 'L'}${at(i * step)} ${at(bottom - h)}H${at((i + 1) * step)}`);
  return path.join('');
}

function at(x: number): string {
  return String(Math.round(x * 1000) / 1000);
}
