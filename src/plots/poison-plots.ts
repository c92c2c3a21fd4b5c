import { formatMetric } from '../base/format';
import type { Poison } from '../divergence/report';
import { stageSpec, type StageId } from '../model/stages';
import { logScale } from './log-scale';
import { cut, group, powerOfTen, svg, type SvgNode } from './svg';

/** f32: the largest finite value, the smallest normal one, and f16's largest, where half precision ends. */
const F32_MAX = 3.4028234663852886e38;
const F32_MIN_NORMAL = 2 ** -126;
const F16_MAX = 65504;

/** The magnitudes that the run-up is drawn on; fixed, f32's own. */
const DOMAIN = [1e-45, 1e40] as const;
const RUN_UP = 24;

/** A step's name under its bar: the layer where it changes, the stage. */
function stepName({ layer, stage }: { readonly layer: number | undefined; readonly stage: StageId }): string {
  return `${layer === undefined ? '' : `${String(layer)} `}${stageSpec(stage).title}`;
}

/** The same in a sentence. */
function placeName({ layer, stage }: { readonly layer: number | undefined; readonly stage: StageId }): string {
  return `${stageSpec(stage).title}${layer === undefined ? '' : ` of layer ${String(layer)}`}`;
}

/** From the largest to the smallest magnitude of every tensor before the poison, forward order, nearest last. */
export function poisonRunUp(poison: Poison, width: number): SvgNode {
  const steps = poison.runUp.slice(-RUN_UP);
  const left = 44;
  const right = width - 26;
  const top = 12;
  const bottom = 168;
  const height = bottom + 112;
  const step = (right - left) / (steps.length + 1);
  const y = logScale(DOMAIN, [bottom, top]);
  const mark = (value: number, text: string): SvgNode =>
    group('reference', [
      svg('line', { x1: left, x2: right, y1: y(value), y2: y(value), class: 'limit-line' }),
      svg('text', { x: right + 4, y: y(value) + 3.5, class: 'tick' }, text),
    ]);
  const end = left + (steps.length + 0.5) * step;
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    svg('rect', {
      x: left,
      y: y(F32_MIN_NORMAL),
      width: right - left,
      height: bottom - y(F32_MIN_NORMAL),
      class: 'lane',
    }),
    group(
      'gridlines',
      [-40, -30, -20, -10, 0, 10, 20, 30].map((exponent) =>
        group('tick-line', [
          svg('line', { x1: left, x2: right, y1: y(10 ** exponent), y2: y(10 ** exponent), class: 'grid' }),
          svg(
            'text',
            { x: left - 6, y: y(10 ** exponent) + 4, class: 'tick', 'text-anchor': 'end' },
            ...powerOfTen(exponent),
          ),
        ]),
      ),
    ),
    mark(F32_MAX, 'f32'),
    mark(F16_MAX, 'f16'),
    svg('text', { x: left + 4, y: bottom - 4, class: 'tick' }, 'subnormal'),
    group(
      'ranges',
      steps.map(({ absMax, absMin, subnormals, layer, stage }, i) => {
        const x = left + (i + 0.5) * step;
        const most = absMax === 0 ? bottom : y(absMax);
        const least = absMin === 0 ? bottom : y(absMin);
        return group('range', [
          svg('line', { x1: x, x2: x, y1: most, y2: least, class: 'range-line' }),
          svg('line', { x1: x - 3.5, x2: x + 3.5, y1: most, y2: most, class: 'range-end' }),
          absMin === 0
            ? undefined
            : svg('circle', { cx: x, cy: least, r: 1.8, class: subnormals > 0 ? 'range-least bad' : 'range-least' }),
          svg(
            'text',
            {
              x: 0,
              y: 0,
              class: 'tick step',
              'text-anchor': 'end',
              transform: `translate(${String(cut(x + 3.5))} ${String(bottom + 8)}) rotate(-62)`,
            },
            stepName({ layer, stage }),
          ),
        ]);
      }),
    ),
    group('poison', [
      svg('line', { x1: end, x2: end, y1: top - 6, y2: bottom, class: 'poison-line' }),
      svg(
        'text',
        {
          x: 0,
          y: 0,
          class: 'step poison-text',
          'text-anchor': 'end',
          transform: `translate(${String(cut(end + 3.5))} ${String(bottom + 8)}) rotate(-62)`,
        },
        stepName(poison),
      ),
      svg('text', { x: end - 5, y: top - 3, class: 'poison-text', 'text-anchor': 'end' }, kindText(poison)),
    ]),
  );
}

/** What share of each tensor after it is not finite, forward order. */
export function poisonSpread(poison: Poison, width: number): SvgNode {
  const { spread } = poison;
  const left = 44;
  const right = width - 2;
  const top = 12;
  const bottom = 108;
  const height = bottom + 34;
  const step = (right - left) / Math.max(1, spread.length);
  const y = (share: number): number => bottom - share * (bottom - top);
  let path = '';
  for (const [i, { bad, count }] of spread.entries()) {
    const at = cut(y(count === 0 ? 0 : bad / count));
    path += `${i === 0 ? `M${String(left)} ${String(bottom)}V` : 'V'}${String(at)}H${String(cut(left + (i + 1) * step))}`;
  }
  const turns = spread.flatMap(({ layer }, i) => (i === 0 || spread[i - 1]?.layer !== layer ? [{ i, layer }] : []));
  const every = Math.max(1, Math.ceil((turns.length * 34) / Math.max(1, right - left)));
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    group(
      'gridlines',
      [0, 0.5, 1].map((share) =>
        group('tick-line', [
          svg('line', { x1: left, x2: right, y1: y(share), y2: y(share), class: 'grid' }),
          svg(
            'text',
            { x: left - 6, y: y(share) + 4, class: 'tick', 'text-anchor': 'end' },
            `${String(100 * share)} %`,
          ),
        ]),
      ),
    ),
    path === '' ? undefined : svg('path', { d: `${path}V${String(bottom)}z`, class: 'spread' }),
    group(
      'turns',
      turns.flatMap(({ i, layer }, n) => {
        const x = left + i * step;
        return [
          svg('line', { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: 'grid' }),
          n % every === 0
            ? layer === undefined
              ? svg('text', { x: right, y: bottom + 16, class: 'tick', 'text-anchor': 'end' }, 'end')
              : svg('text', { x: x + 1, y: bottom + 16, class: 'tick' }, String(layer))
            : undefined,
        ];
      }),
    ),
    svg(
      'text',
      { x: (left + right) / 2, y: bottom + 31, class: 'caption', 'text-anchor': 'middle' },
      'layer, its stages in forward order',
    ),
  );
}

function kindText(poison: Poison): string {
  return poison.kind === 'NaN' ? 'NaN' : poison.kind.replace('Infinity', 'Inf');
}

/** Where it begins, in words. */
export function poisonWords(poison: Poison): string {
  const layer = poison.layer === undefined ? '' : `layer ${String(poison.layer)}, `;
  return `${kindText(poison)} first in ${layer}${stageSpec(poison.stage).title} at [${poison.index.join(', ')}]`;
}

/** What led to it: whether the values grew towards f32's end, or were there out of nothing. */
export function runUpWords(poison: Poison): string {
  const last = poison.runUp[poison.runUp.length - 1];
  if (last === undefined) return 'Nothing was captured before it.';
  const most = poison.runUp.reduce((x, y) => (y.absMax > x.absMax ? y : x));
  const grew = most.absMax > F16_MAX;
  const subnormal = poison.runUp.reduce((x, y) => Math.max(x, y.subnormals), 0);
  const size = grew
    ? `The largest magnitude before it is ${formatMetric(most.absMax)}, in ${placeName(most)}: ${most.absMax > 1e30 ? 'near the end of f32' : 'beyond f16'}.`
    : `No magnitude before it is above ${formatMetric(most.absMax)}: the values did not grow into it.`;
  return subnormal > 0 ? `${size} Up to ${formatMetric(100 * subnormal)} % of a tensor is subnormal.` : size;
}
