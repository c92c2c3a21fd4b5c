import type { RoutingRow } from '../divergence/report';
import { label, quiet, strong } from './map/text';
import type { MapTheme } from './map/theme';
import { svg, type SvgNode } from './svg';

/** A token's experts by the reference's weight, bars above their numbers; below, where they differ, the candidate's. */
export function drawTokenExperts(
  { a, b }: RoutingRow,
  hot: number | undefined,
  width: number,
  theme: MapTheme,
): SvgNode {
  const shown = b ?? a ?? { experts: [], weights: [] };
  const n = Math.max(1, shown.experts.length);
  const step = Math.min(74, width / n);
  const most = Math.max(1e-9, ...shown.weights.filter(Number.isFinite));
  const flipped = a !== undefined && b !== undefined && a.experts.some((e) => !b.experts.includes(e));
  const nodes: SvgNode[] = [];
  shown.experts.forEach((expert, i) => {
    const weight = shown.weights[i] ?? 0;
    const tall = Math.max(2, ((Number.isFinite(weight) ? weight : 0) / most) * 26);
    const isHot = expert === hot;
    const gone = flipped && !a.experts.includes(expert);
    const box = { x: i * step + 1, y: 30 - tall, width: Math.max(1, step - 3), height: tall };
    nodes.push(svg('rect', { ...box, fill: isHot ? theme.bins[8] : theme.ink3, 'fill-opacity': isHot ? 1 : 0.55 }));
    const look = isHot
      ? { ...strong(theme, 12, 'middle'), fill: theme.wrong }
      : gone
        ? quiet(theme, 12, 'middle')
        : strong(theme, 12, 'middle');
    const node = label(i * step + step / 2, 44, look, String(expert));
    nodes.push(gone ? { ...node, attributes: { ...node.attributes, 'text-decoration': 'line-through' } } : node);
  });
  if (flipped) {
    a.experts.forEach((expert, i) => {
      const fresh = !b.experts.includes(expert);
      const look = fresh ? { ...strong(theme, 12, 'middle'), fill: theme.flip } : quiet(theme, 12, 'middle');
      const cx = i * step + step / 2;
      nodes.push(label(cx, 64, look, String(expert)));
      if (fresh) nodes.push(svg('circle', { cx, cy: 60, r: 10, fill: 'none', stroke: theme.flip }));
    });
  }
  const height = flipped ? 74 : 50;
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, ...nodes);
}
