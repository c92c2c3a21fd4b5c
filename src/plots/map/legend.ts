import { svg, type SvgNode } from '../svg';
import { stripes } from './cells';
import { plainNumber } from './human-number';
import type { MapData } from './map-types';
import { alarming, label, power, quiet } from './text';
import type { MapTheme } from './theme';

export interface MapLegend {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly SvgNode[];
}

const HEIGHT = 11;

/** The scale: exact, five quiet steps, the hard break at the limit, four hot ones; then what has no step. */
export function mapLegend(data: MapData, theme: MapTheme, narrow = false): MapLegend {
  const step = narrow ? 18 : 22;
  const ratio = data.measure.unit === 'ratio';
  const nodes: SvgNode[] = [];
  const below = quiet(theme, 11.5, 'middle');
  let x = 4;
  const swatch = (bin: number): void => {
    nodes.push(svg('rect', { x, y: 6, width: step, height: HEIGHT, fill: theme.bins[bin] }));
    x += step;
  };
  swatch(0);
  nodes.push(label(x - step / 2, 30, below, '0'));
  x += 3;
  const quietTicks: Readonly<Record<number, number>> = ratio ? { 1: -4, 3: -2 } : { 1: -7, 3: -5 };
  for (let bin = 1; bin <= 5; bin++) {
    swatch(bin);
    const tick = quietTicks[bin];
    if (tick !== undefined) nodes.push(label(x, 30, below, ...power(tick)));
  }
  const limit = x + 1.5;
  x += 3;
  for (let bin = 6; bin <= 9; bin++) {
    swatch(bin);
    if (ratio && (bin === 7 || bin === 8)) nodes.push(label(x, 30, below, ...power(bin === 7 ? 3 : 5)));
    else if (!ratio && bin === 7) nodes.push(label(x, 30, below, '10×'));
  }
  nodes.push(svg('line', { x1: limit, x2: limit, y1: 2, y2: 21, stroke: theme.wrong, 'stroke-width': 2 }));
  const name = ratio ? 'bound' : `limit ${plainNumber(data.limit)}`;
  nodes.push(label(limit, 30, alarming(theme, 11.5, 'middle'), name));
  const item = (text: string, draw: (at: number) => void): void => {
    const width = Math.max(step, text.length * 6);
    x += narrow ? 7 : 12;
    draw(x + (width - step) / 2);
    nodes.push(label(x + width / 2, 30, below, text));
    x += width;
  };
  item('NaN', (at) => {
    nodes.push(svg('rect', { x: at, y: 6, width: step, height: HEIGHT, fill: theme.stripe[0] }));
    const d = stripes(at, 6, step, HEIGHT);
    nodes.push(svg('path', { d, fill: 'none', stroke: theme.stripe[1], 'stroke-width': 1.6 }));
  });
  item(narrow ? 'none' : 'not compared', (at) => {
    const box = { x: at + 0.5, y: 6.5, width: step - 1, height: HEIGHT - 1 };
    nodes.push(svg('rect', { ...box, fill: 'none', stroke: theme.ink3, 'stroke-dasharray': '2 2' }));
  });
  if (data.culprits.size > 0 && data.measure.basis !== 'free') {
    item(narrow ? 'shadow' : 'in its shadow', (at) => {
      nodes.push(svg('rect', { x: at, y: 6, width: step / 2, height: HEIGHT, fill: theme.shadow[2] }));
      nodes.push(svg('rect', { x: at + step / 2, y: 6, width: step / 2, height: HEIGHT, fill: theme.shadow[4] }));
    });
  }
  return { width: x + 4, height: 36, nodes };
}
