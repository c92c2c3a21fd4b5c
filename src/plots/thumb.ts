import { ROUTER_WEIGHTS } from '../model/stage-roles';
import { colourOf } from './map/draw-cells';
import type { MapData } from './map/map-types';
import type { MapTheme } from './map/theme';
import { svg, type SvgNode } from './svg';

const WIDTH = 56;
const HEIGHT = 46;

/** A map so small that only its face shows: what a run is known by among others. */
export function drawThumb(data: MapData, theme: MapTheme): SvgNode {
  const pitch = (WIDTH - 2) / Math.max(1, data.layers.length);
  const tall = (HEIGHT - 2) / Math.max(1, data.rows.length);
  const fills = new Map<string, string>();
  data.rows.forEach(({ stage }, r) => {
    data.layers.forEach((layer, l) => {
      const bin = data.bin(stage, layer);
      const fill = bin === 'nonfinite' ? theme.stripe[0] : colourOf(bin, data.shade(stage, layer), theme);
      if (fill === undefined) return;
      const x = Math.round((1 + l * pitch) * 10) / 10;
      const y = Math.round((1 + r * tall) * 10) / 10;
      const d = `M${x} ${y}h${Math.max(0.6, Math.round((pitch - (pitch > 4 ? 1 : 0)) * 10) / 10)}v${Math.round(tall * 9.6) / 10}H${x}z`;
      fills.set(fill, (fills.get(fill) ?? '') + d);
    });
  });
  const nodes: SvgNode[] = [...fills].map(([fill, d]) => svg('path', { d, fill }));
  const { first } = data;
  const at = {
    l: data.layers.indexOf(first?.layer ?? -1),
    r: data.rows.findIndex((row) => row.stage === first?.stage),
  };
  if (at.l >= 0 && at.r >= 0) {
    const bin = data.bin(data.rows[at.r]?.stage ?? ROUTER_WEIGHTS, first?.layer);
    const fill = bin === 'nonfinite' ? theme.stripe[0] : (colourOf(bin, 'none', theme) ?? theme.wrong);
    const box = { x: at.l * pitch, y: at.r * tall - 1.5, width: Math.max(5, pitch + 1), height: tall + 4 };
    nodes.push(svg('rect', { ...box, fill, stroke: theme.ink, 'stroke-width': 1 }));
  }
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, 'aria-hidden': 'true' },
    ...nodes,
  );
}
