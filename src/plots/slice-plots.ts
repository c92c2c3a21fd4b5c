import { formatMetric } from '../base/format';
import { RATIO_EDGES } from '../divergence/ratio-bins';
import { ERROR_EDGES, VALUE_BINS, type TapSlice } from '../divergence/tap-slice';
import { errorScale } from './error-scale';
import { histogram, type HistogramBar, type HistogramTick } from './histogram';
import { cut, group, powerOfTen, svg, type SvgNode } from './svg';

/** How many elements use how much of their bound; the same for a row of the report. */
export function ratioHistogram(counts: readonly number[], width: number): SvgNode {
  const over = RATIO_EDGES.indexOf(1) + 1;
  const bars = counts.map((count, i): HistogramBar => ({
    count,
    kind: i >= over ? 'over' : i === 0 ? 'zero' : 'plain',
  }));
  const ticks: HistogramTick[] = [{ at: 0.5, text: '0' }, ...decades(RATIO_EDGES, (exponent) => exponent % 2 === 0)];
  return histogram(bars, ticks, { width, height: 104, limit: { at: over, text: 'bound' } });
}

/** How large the differences are, where there are no bounds. */
export function errorHistogram(counts: readonly number[], width: number): SvgNode {
  const bars = counts.map((count, i): HistogramBar => ({ count, kind: i === 0 ? 'zero' : 'plain' }));
  const ticks: HistogramTick[] = [{ at: 0.5, text: '0' }, ...decades(ERROR_EDGES, (exponent) => exponent % 3 === 0)];
  return histogram(bars, ticks, { width, height: 104 });
}

/** The values themselves: the reference as bars, the arm under test as an outline. Where they agree the outline lies on the bars. */
export function valueHistogram({ values }: TapSlice, width: number): SvgNode {
  const end = formatMetric(values.extent);
  const bars = values.b.map((count): HistogramBar => ({ count }));
  const ticks: HistogramTick[] = [
    { at: 0, text: `−${end}` },
    { at: VALUE_BINS / 2, text: '0' },
    { at: VALUE_BINS, text: end },
  ];
  return histogram(bars, ticks, { width, height: 104, outline: values.a });
}

function decades(edges: readonly number[], shown: (exponent: number) => boolean): HistogramTick[] {
  return edges.flatMap((edge, i) => {
    const exponent = Math.round(Math.log10(edge));
    return edge > 0 && shown(exponent) ? [{ at: i + 1, text: exponent }] : [];
  });
}

const PROFILE_HEIGHT = 150;

/** The tensor from end to end: the largest error / bound (or error) of each stretch, so that a pattern of blocks, slots or heads shows. */
export function sliceProfile(slice: TapSlice, width: number): SvgNode {
  const { profile, ratios, axes } = slice;
  const left = width < 600 ? 40 : 62;
  const right = width - 2;
  const top = 14;
  const scale = errorScale(ratios === undefined ? 'relL2' : 'ratio', top, PROFILE_HEIGHT - top - 22);
  const total = axes.reduce((n, axis) => n * axis.length, 1);
  const x = (flat: number): number => left + ((right - left) * flat) / Math.max(1, total);
  const base = scale.zeroLane[1];
  const stretchPath = (over: boolean): string =>
    profile.largest
      .map((value, i) => {
        const isOver = ratios !== undefined && !(value <= 1);
        if (value === 0 || isOver !== over) return '';
        const from = x(i * profile.stretch);
        const to = x(Math.min(total, (i + 1) * profile.stretch));
        return `M${String(cut(from))} ${String(base)}V${String(cut(scale.y(value)))}H${String(cut(Math.max(from + 0.6, to - (to - from > 3 ? 0.8 : 0))))}V${String(base)}z`;
      })
      .join('');
  const inner = axes.at(-1)?.length ?? 1;
  const blocks = total / Math.max(1, inner);
  const named = blocks > 1 && blocks <= 64;
  const limit = scale.y(1);
  return svg(
    'svg',
    {
      class: 'plot',
      viewBox: `0 0 ${String(width)} ${String(PROFILE_HEIGHT)}`,
      width,
      height: PROFILE_HEIGHT,
      'aria-hidden': 'true',
    },
    ratios === undefined
      ? undefined
      : svg('rect', { x: left, y: top, width: right - left, height: limit - top, class: 'over' }),
    group(
      'gridlines',
      scale.metric.tickExponents.flatMap((exponent) => {
        const y = scale.y(10 ** exponent);
        return [
          svg('line', { x1: left, x2: right, y1: y, y2: y, class: 'grid' }),
          svg('text', { x: left - 6, y: y + 4, class: 'tick', 'text-anchor': 'end' }, ...powerOfTen(exponent)),
        ];
      }),
    ),
    named
      ? group(
          'blocks',
          Array.from({ length: blocks - 1 }, (_, i) => {
            const at = x((i + 1) * inner);
            return svg('line', { x1: at, x2: at, y1: top, y2: base, class: 'block-line' });
          }),
        )
      : undefined,
    svg('path', { d: stretchPath(false), class: 'profile' }),
    svg('path', { d: stretchPath(true), class: 'profile bad' }),
    ratios === undefined ? undefined : svg('line', { x1: left, x2: right, y1: limit, y2: limit, class: 'limit-line' }),
    svg('line', { x1: left, x2: right, y1: base, y2: base, class: 'grid' }),
    svg('text', { x: left, y: base + 15, class: 'tick' }, '0'),
    svg('text', { x: right, y: base + 15, class: 'tick', 'text-anchor': 'end' }, String(total - 1)),
  );
}
