import { RATIO_EDGES } from '../../divergence/ratio-bins';
import { stageSpec, type StageId } from '../../model/stages';
import { linePath, svg, type SvgNode } from '../svg';
import { rectPath, tenth } from './cells';
import { humanNumber } from './human-number';
import type { MapLayout } from './layout';
import { isInherited, timesLimit, valueOf } from './measure';
import type { MapData } from './map-types';
import { alarming, label, numberParts, power, quiet, strong } from './text';
import type { MapTheme } from './theme';

/** Multiples of the limit, fixed: decades below it and above it, and the share of the height that lies above. */
const BELOW = 8;
const ABOVE = 6;
const UPPER = 0.36;
/** From this many pixels a layer on each value has a mark of its own. */
const MARKED = 40;
/** Pixels from the judged measure's reading to the free-running one. */
const READING = 92;
/** With this many tokens and fewer each is a dot in relative L2. */
const FEW_TOKENS = 24;
/** So many shades can be told apart. */
const SHADES = 25;
/** Height of a label at the end of a line. */
const LABEL = 12.5;
/** Radius of a dot. */
const DOT = 1.3;

interface Point {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** Error by layer, of the culprit's stage and of the headlines, below the map and in its columns. */
export function drawStrips(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  return layout.strips.flatMap(({ stage, y }) => drawStrip(data, layout, theme, stage, y));
}

/** What each strip's stage has in the layer in hand, in the gutter. */
export function drawReadings(data: MapData, layout: MapLayout, theme: MapTheme, layer: number): readonly SvgNode[] {
  if (!layout.size.names) return [];
  return layout.strips.flatMap(({ stage, y }) => readings(data, stage, layer, theme, y));
}

/** Where a multiple of the limit stands: NaN in the lane on top, an exact 0 on the base line. */
function heightOf(times: number, y: number, height: number): number {
  const top = y + 8;
  const bottom = y + height - 5;
  const at = top + (bottom - top) * UPPER;
  if (!Number.isFinite(times)) return y + 4;
  if (times === 0) return y + height - 1.5;
  const decades = Math.log10(times);
  return decades > 0
    ? at - Math.min(1, decades / ABOVE) * (at - top)
    : at + Math.min(1, -decades / BELOW) * (bottom - at);
}

/** One strip with its top at `y`. */
export function drawStrip(
  data: MapData,
  layout: MapLayout,
  theme: MapTheme,
  stage: StageId,
  y: number,
): readonly SvgNode[] {
  const { size, left, rightEdge, pitch, window } = layout;
  const height = size.strip;
  const { measure, limit } = data;
  const judged = measure.basis;
  const level = heightOf(1, y, height);
  const line = (y1: number, stroke: string): SvgNode =>
    svg('line', { x1: left, x2: rightEdge, y1, y2: y1, stroke, 'stroke-width': 1 });
  const nodes: SvgNode[] = [
    svg('rect', { x: left, y, width: rightEdge - left, height: level - y, fill: theme.hotGround }),
    line(y + height + 0.5, theme.rule2),
    line(level, theme.wrong),
  ];
  const judgedPoints: (Point | undefined)[] = [];
  const freePoints: (Point | undefined)[] = [];
  const middle = (l: number): number => layout.x(l) + (pitch - layout.gap) / 2;
  for (let l = window.from; l < window.to; l++) {
    const x = middle(l);
    const own = judged === 'free' ? undefined : data.row(judged, stage, data.layers[l]);
    const free = data.row('free', stage, data.layers[l]);
    // What its inputs made of it is no error of its own.
    const isOwn = !isInherited(own) || data.blamed(stage, data.layers[l]);
    const value = isOwn ? valueOf(own, measure.unit) : measure.unit === 'ratio' ? own?.maxRatio : undefined;
    judgedPoints.push(pointOf(timesLimit(value, measure.unit, limit), x, y, height));
    freePoints.push(pointOf(timesLimit(valueOf(free, 'l2'), 'l2', limit), x, y, height));
  }
  if (size.names) nodes.push(...drawShades(data, layout, theme, stage, y, middle));
  const thin = judged !== 'free';
  nodes.push(...curve(freePoints, theme.ink, theme, thin ? 1.3 : 1.8, thin ? 0.62 : 1, 'dot', pitch));
  nodes.push(...curve(judgedPoints, theme.judged, theme, 1.8, 1, 'square', pitch));
  const first = data.layers.indexOf(data.first?.layer ?? -1);
  if (first >= window.from && first < window.to) {
    const x = middle(first);
    nodes.push(
      svg('line', { x1: x, x2: x, y1: y, y2: y + height + size.stripGap, stroke: theme.ink, 'stroke-opacity': 0.8 }),
    );
  }
  const { title } = stageSpec(stage);
  if (!size.names) return [...nodes, label(size.gutter - 8, y + 14, strong(theme, 12, 'end'), title)];
  nodes.push(label(0, y + 14, data.first?.stage === stage ? alarming(theme, 12) : strong(theme, 12), title));
  const ratio = measure.unit === 'ratio';
  nodes.push(label(left - 7, level + 4, { ...alarming(theme, 11.5, 'end'), weight: 400 }, ratio ? 'bound' : 'limit'));
  nodes.push(label(left - 7, y + 13, quiet(theme, 11.5, 'end'), ...power(ABOVE)));
  nodes.push(label(left - 7, y + height - 1, quiet(theme, 11.5, 'end'), ...power(-BELOW)));
  nodes.push(...endLabels(judgedPoints, freePoints, data, layout, theme, y));
  return nodes;
}

function pointOf(times: number | undefined, x: number, y: number, height: number): Point | undefined {
  return times === undefined ? undefined : { x, y: heightOf(times, y, height), value: times };
}

/** All values of a layer behind its worst: the rows' distributions, or their tokens. A path for each look: one strip has a thousand of them. */
function drawShades(
  data: MapData,
  { pitch, size, window }: MapLayout,
  theme: MapTheme,
  stage: StageId,
  y: number,
  middle: (l: number) => number,
): readonly SvgNode[] {
  const { measure, layers } = data;
  const height = size.strip;
  if (measure.unit !== 'ratio') {
    let dots = '';
    for (let l = window.from; l < window.to; l++) {
      const values = data.row(measure.basis, stage, layers[l])?.perPosition ?? [];
      if (values.length > FEW_TOKENS) continue;
      for (const value of values) {
        if (value !== undefined) dots += discPath(middle(l), heightOf(value / data.limit, y, height), DOT);
      }
    }
    return dots === '' ? [] : [svg('path', { d: dots, fill: theme.ink3, 'fill-opacity': 0.4 })];
  }
  const width = Math.max(2, Math.min(26, pitch * 0.62));
  const looks = { under: new Map<number, string>(), over: new Map<number, string>() };
  for (let l = window.from; l < window.to; l++) {
    const row = measure.basis === 'free' ? undefined : data.row(measure.basis, stage, layers[l]);
    const counts = row?.ratios ?? [];
    for (let bin = 2; bin < counts.length; bin++) {
      const count = counts[bin] ?? 0;
      const last = bin === RATIO_EDGES.length;
      if (count === 0 || (last && !Number.isFinite(row?.maxRatio ?? NaN))) continue;
      const upper = last ? Math.max(12, row?.maxRatio ?? 12) : (RATIO_EDGES[bin] ?? 1);
      const top = heightOf(upper, y, height);
      const bottom = heightOf(RATIO_EDGES[bin - 1] ?? 1e-9, y, height);
      const over = (RATIO_EDGES[bin - 1] ?? 0) >= 1;
      const share = Math.sqrt(count / Math.max(1, row?.count ?? 1));
      const opacity = Math.min(1, Math.round(SHADES * (0.06 + 0.34 * share + (over ? 0.25 : 0))) / SHADES);
      const paths = over ? looks.over : looks.under;
      const box = rectPath(middle(l) - width / 2, top, width, Math.max(0.8, bottom - top - 0.4));
      paths.set(opacity, (paths.get(opacity) ?? '') + box);
    }
  }
  const drawn = (paths: ReadonlyMap<number, string>, fill: string | undefined): readonly SvgNode[] =>
    [...paths].map(([opacity, d]) => svg('path', { d, fill, 'fill-opacity': opacity }));
  return [...drawn(looks.under, theme.judged), ...drawn(looks.over, theme.bins[7])];
}

/** A disc as a path. */
function discPath(x: number, y: number, r: number): string {
  return `M${tenth(x - r)} ${tenth(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

function curve(
  points: readonly (Point | undefined)[],
  colour: string,
  theme: MapTheme,
  width: number,
  opacity: number,
  mark: 'dot' | 'square',
  pitch: number,
): readonly SvgNode[] {
  const d = linePath(points.map((p) => (p === undefined || !Number.isFinite(p.value) ? undefined : [p.x, p.y])));
  const nodes: SvgNode[] = [];
  if (d !== '') {
    const look = { fill: 'none', stroke: colour, 'stroke-width': width, 'stroke-opacity': opacity };
    nodes.push(svg('path', { d, ...look, 'stroke-linejoin': 'round' }));
  }
  for (const p of points) {
    if (p === undefined) continue;
    const { x, y } = p;
    if (!Number.isFinite(p.value)) {
      const r = mark === 'dot' ? 3 : 4;
      const cross = `M${String(x - r)} ${String(y - r)}l${String(2 * r)} ${String(2 * r)}m0 ${String(-2 * r)}l${String(-2 * r)} ${String(2 * r)}`;
      nodes.push(svg('path', { d: cross, fill: 'none', stroke: theme.stripe[0], 'stroke-width': 2 }));
    } else if (mark === 'square' && p.value > 1) {
      nodes.push(svg('circle', { cx: x, cy: y, r: 4, fill: theme.bins[8], stroke: theme.paper }));
    } else if (pitch >= MARKED) {
      nodes.push(
        mark === 'dot'
          ? svg('circle', { cx: x, cy: y, r: 2.6, fill: colour, 'fill-opacity': opacity })
          : svg('rect', {
              x: x - 3,
              y: y - 3,
              width: 6,
              height: 6,
              fill: theme.paper,
              stroke: colour,
              'stroke-width': 1.6,
            }),
      );
    }
  }
  return nodes;
}

/** What the strip's stage has in the layer in hand. */
function readings(data: MapData, stage: StageId, layer: number, theme: MapTheme, y: number): readonly SvgNode[] {
  const { basis, unit } = data.measure;
  const own = valueOf(data.row(basis, stage, layer), unit);
  const free = valueOf(data.row('free', stage, layer), 'l2');
  const times = unit === 'ratio' && own !== undefined && Number.isFinite(own) ? ' × bound' : '';
  const look = quiet(theme, 11.5);
  const nodes = [label(0, y + 30, look, `layer ${String(layer)}`)];
  if (basis !== 'free')
    nodes.push(label(0, y + 45, { ...look, fill: theme.judged }, ...numberParts(humanNumber(own), times)));
  nodes.push(label(basis === 'free' ? 0 : READING, y + 45, look, 'free ', ...numberParts(humanNumber(free))));
  return nodes;
}

const BASIS_NAMES = { local: 'local', isolated: 'isolated', free: 'free' } as const;

/** The two lines named at their ends, never over each other. */
function endLabels(
  judged: readonly (Point | undefined)[],
  free: readonly (Point | undefined)[],
  data: MapData,
  { rightEdge, size }: MapLayout,
  theme: MapTheme,
  y: number,
): readonly SvgNode[] {
  const lastOf = (points: readonly (Point | undefined)[]): Point | undefined => points.findLast((p) => p !== undefined);
  const [own, other] = [lastOf(judged), lastOf(free)];
  const keep = (at: number): number => Math.min(y + size.strip, Math.max(y + 10, at));
  let [a, b] = [own === undefined ? undefined : keep(own.y + 4), other === undefined ? undefined : keep(other.y + 4)];
  if (a !== undefined && b !== undefined && Math.abs(a - b) < LABEL) {
    // Apart, in the order of the lines, and both within the strip.
    const upper = Math.min(keep((a + b - LABEL) / 2), y + size.strip - LABEL);
    [a, b] = a <= b ? [upper, upper + LABEL] : [upper + LABEL, upper];
  }
  const nodes: SvgNode[] = [];
  const x = rightEdge + 6;
  if (a !== undefined) {
    nodes.push(label(x, a, { fill: theme.judged, size: 11.5 }, BASIS_NAMES[data.measure.basis]));
  }
  if (b !== undefined && other !== undefined) {
    const text = Number.isNaN(other.value) ? 'free: NaN' : Number.isFinite(other.value) ? 'free' : 'free: ∞';
    nodes.push(label(x, b, { fill: theme.ink2, size: 11.5 }, text));
  }
  return nodes;
}
