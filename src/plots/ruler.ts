import { RATIO_EDGES } from '../divergence/ratio-bins';
import { stripes } from './map/cells';
import { alarming, label, power, quiet } from './map/text';
import type { MapTheme } from './map/theme';
import { svg, type SvgNode } from './svg';

const HEIGHT = 58;
const BASE = 36;
/** Decades below the bound and above it, and the share of the ruler below. */
const BELOW = 8;
const ABOVE = 6;
const LOWER = 0.62;

/** Error over bound of all values of a stage on a fixed ruler: bars by a square root, so that a few are seen beside many. */
export function drawRuler(
  counts: readonly number[] | undefined,
  largest: number | undefined,
  width: number,
  theme: MapTheme,
): SvgNode {
  const right = width - 8;
  const x = (ratio: number): number => {
    if (ratio <= 0) return 4;
    const e = Math.log10(ratio);
    const room = right - 18;
    if (e <= 0) return 14 + Math.max(0, 1 + e / BELOW) * room * LOWER;
    return 14 + room * (LOWER + Math.min(1, e / ABOVE) * (1 - LOWER));
  };
  const bound = x(1);
  const nodes: SvgNode[] = [
    svg('rect', { x: bound, y: 4, width: right - bound, height: BASE - 4, fill: theme.hotGround }),
  ];
  const most = Math.sqrt(Math.max(1, ...(counts ?? [])));
  const last = RATIO_EDGES.length;
  counts?.forEach((count, bin) => {
    if (count === 0) return;
    const from = bin === 0 ? 0 : bin === 1 ? 2 : x(RATIO_EDGES[bin - 1] ?? 1);
    const to = bin === 0 ? 10 : bin === last ? right : x(RATIO_EDGES[bin] ?? 1);
    const tall = Math.max(2, (Math.sqrt(count) / most) * 30);
    const over = (RATIO_EDGES[bin - 1] ?? 0) >= 1;
    const broken = bin === last && largest !== undefined && !Number.isFinite(largest);
    const box = { x: from + 0.5, y: BASE - tall, width: Math.max(2, to - from - 1), height: tall };
    const fill = broken ? theme.stripe[0] : over ? theme.bins[7] : bin === 0 ? theme.bins[0] : theme.judged;
    const look = bin === 0 ? { stroke: theme.rule2 } : over ? {} : { 'fill-opacity': 0.55 };
    nodes.push(svg('rect', { ...box, fill, ...look }));
    if (broken) {
      const d = stripes(box.x, box.y, box.width, box.height);
      nodes.push(svg('path', { d, fill: 'none', stroke: theme.stripe[1], 'stroke-width': 1.6 }));
    }
  });
  nodes.push(
    svg('line', { x1: 0, x2: right, y1: BASE + 0.5, y2: BASE + 0.5, stroke: theme.ink3 }),
    svg('line', { x1: bound, x2: bound, y1: 0, y2: BASE + 6, stroke: theme.wrong, 'stroke-width': 1.6 }),
    label(bound, HEIGHT - 4, alarming(theme, 11.5, 'middle'), 'bound'),
  );
  for (const exponent of [-8, -4, 3, 6]) {
    const anchor = exponent === -8 ? 'start' : exponent === 6 ? 'end' : 'middle';
    nodes.push(label(x(10 ** exponent), HEIGHT - 4, quiet(theme, 11.5, anchor), ...power(exponent)));
  }
  if (largest !== undefined && Number.isFinite(largest) && largest > 0) {
    const at = Math.round(x(largest) * 10) / 10;
    const fill = largest > 1 ? theme.bins[8] : theme.ink;
    nodes.push(svg('path', { d: `M${at} ${BASE}l-4.5 -8h9z`, fill, stroke: theme.paper, 'stroke-width': 0.8 }));
  }
  const box = { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT };
  return svg('svg', { ...box, 'aria-hidden': 'true' }, ...nodes);
}
