import { formatCount, formatMetric } from '../../base/format';
import type { NonFinite } from '../../divergence/report';
import { stageSpec, type StageId } from '../../model/stages';
import { stripes } from '../map/cells';
import { alarming, label, quiet } from '../map/text';
import type { MapTheme } from '../map/theme';
import { svg, type SvgNode } from '../svg';

/** f16's largest finite value, where half precision ends. */
const F16_MAX = 65504;
/** Stages listed. */
const MOST = 12;
const ROW = 19;

interface Where {
  readonly layer: number | undefined;
  readonly stage: StageId;
}

function placeName({ layer, stage }: Where): string {
  return `${layer === undefined ? '' : `layer ${layer}, `}${stageSpec(stage).title}`;
}

/** The first stages that hold values that are not finite, each with its share of them. */
export function nonfinitePlot({ spread }: NonFinite, width: number, theme: MapTheme): SvgNode {
  const narrow = width < 560;
  const left = narrow ? 150 : 190;
  const right = narrow ? 90 : 130;
  const rows = spread.slice(0, MOST);
  const room = Math.max(20, width - left - right - 10);
  const nodes = rows.flatMap(({ bad, count, ...where }, i) => {
    const y = i * ROW;
    const wide = Math.max(2, (room * bad) / Math.max(1, count));
    const look = i === 0 ? alarming(theme, 12, 'end') : quiet(theme, 12, 'end');
    return [
      label(left, y + 13, look, placeName(where)),
      svg('rect', { x: left + 10, y: y + 3, width: room, height: 12, fill: theme.panel }),
      svg('rect', { x: left + 10, y: y + 3, width: wide, height: 12, fill: theme.stripe[0] }),
      svg('path', {
        d: stripes(left + 10, y + 3, wide, 12),
        stroke: theme.stripe[1],
        'stroke-width': 1.6,
        fill: 'none',
      }),
      label(
        width - right + 8,
        y + 13,
        quiet(theme, 11.5),
        `${formatCount(bad)}${narrow ? '/' : ' of '}${formatCount(count)}`,
      ),
    ];
  });
  if (spread.length > rows.length) {
    nodes.push(label(left, rows.length * ROW + 13, quiet(theme, 12, 'end'), `and ${spread.length - rows.length} more`));
  }
  const height = rows.length * ROW + (spread.length > rows.length ? 22 : 4);
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, ...nodes);
}

/** Where it begins and what led to it, in words. */
export function nonfiniteWords(nonFinite: NonFinite): string {
  const kind = nonFinite.kind === 'NaN' ? 'NaN' : nonFinite.kind.replace('Infinity', 'infinity');
  const reach = nonFinite.spread.length;
  const begins = `${kind} appears first at ${placeName(nonFinite)}, and reaches ${reach} ${reach === 1 ? 'stage' : 'stages'}.`;
  return `${begins} ${runUpWords(nonFinite)}`;
}

function runUpWords({ runUp }: NonFinite): string {
  if (runUp.length === 0) return 'Nothing was captured before it.';
  const most = runUp.reduce((x, y) => (y.absMax > x.absMax ? y : x));
  const subnormal = runUp.reduce((x, y) => Math.max(x, y.subnormals), 0);
  const size =
    most.absMax > F16_MAX
      ? `The largest magnitude before it is ${formatMetric(most.absMax)}, at ${placeName(most)}: ${most.absMax > 1e30 ? 'near the end of f32' : 'beyond f16'}.`
      : `No magnitude before it is above ${formatMetric(most.absMax)}: it did not grow into it, it was made there.`;
  return subnormal > 0 ? `${size} Up to ${formatMetric(100 * subnormal)} % of a tensor is subnormal.` : size;
}
