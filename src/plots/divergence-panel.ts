import { formatMetric } from '../base/format';
import { errorScale, placeOf, type ErrorScale } from './error-scale';
import { layerAxis, layerLabels, type LayerAxis } from './layer-axis';
import type { PanelPosition } from './panel-stages';
import type { PanelData, PanelPoint, PanelSeries } from './select-panel';
import { group, linePath, powerOfTen, svg, type SvgNode } from './svg';

export interface PanelOptions {
  /** Pixels. */
  readonly width: number;
  /** The first of the stacked panels names the rule and carries the flips; the last carries the layer axis. */
  readonly position: PanelPosition;
  readonly selectedLayer?: number | undefined;
}

export interface PanelScene {
  readonly width: number;
  readonly height: number;
  readonly root: SvgNode;
  readonly axis: LayerAxis;
  /** Where the panel's title goes: pixels from the top. */
  readonly titleTop: number;
}

const RULE_LABEL = 22;
const TITLE = 28;
const FLIPS = 34;
const AXIS = 40;
const BOTTOM = 16;
const NARROW = 600;
/** Pixels a character of the rule's label at most. */
const RULE_CHARACTER = 6.8;

/** One stage over the layers: log error, lanes for exact and for non-finite, limit, rule at the first divergence. */
export function divergencePanel(data: PanelData, options: PanelOptions): PanelScene {
  const { width, position } = options;
  const narrow = width < NARROW;
  const left = narrow ? 40 : 62;
  const right = narrow ? width - 6 : width - 98;
  const isFirst = position === 'first' || position === 'only';
  const isLast = position === 'last' || position === 'only';
  const titleTop = isFirst ? RULE_LABEL : 0;
  const plotTop = titleTop + TITLE;
  const plotHeight = narrow ? 174 : 200;
  const withFlips = data.stage === 'moe_router' && data.flips.length > 0;
  const flipsTop = plotTop + plotHeight + 4;
  const bodyBottom = plotTop + plotHeight + (withFlips ? FLIPS : 0);
  const height = bodyBottom + (isLast ? AXIS : BOTTOM);
  const scale = errorScale(data.metric, plotTop, plotHeight);
  const axis = layerAxis(data.layers, left, right);
  const density = data.layers.length < 2 || axis.step >= 22 ? 'roomy' : axis.step >= 8 ? 'dense' : 'packed';

  const root = svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    group('frame', frame(data, scale, left, right)),
    group('selection', selection(data, options.selectedLayer, axis, plotTop, bodyBottom)),
    group('limit', limit(data, scale, left, right, narrow)),
    group('rule', rule(data, axis, isFirst, isLast ? bodyBottom + 6 : height, width)),
    ...data.series.map((series) => curve(series, scale, axis, density)),
    withFlips ? group('flips', flipStrip(data, axis, flipsTop, left)) : undefined,
    narrow ? undefined : group('labels', endLabels(data, scale, right)),
    isLast ? group('axis', layerLabels(axis, bodyBottom + 20, data.first?.layer)) : undefined,
    isLast
      ? svg('text', { x: (left + right) / 2, y: bodyBottom + 37, class: 'caption', 'text-anchor': 'middle' }, 'layer')
      : undefined,
  );
  return { width, height, root, axis, titleTop };
}

function frame(data: PanelData, scale: ErrorScale, left: number, right: number): SvgNode[] {
  const lane = (name: string, [top, bottom]: readonly [number, number], text: string): SvgNode[] => [
    svg('rect', { x: left, y: top, width: right - left, height: bottom - top, class: `lane ${name}` }),
    svg('text', { x: left - 6, y: (top + bottom) / 2 + 3.5, class: 'tick lane-name', 'text-anchor': 'end' }, text),
  ];
  const ticks = scale.metric.tickExponents.flatMap((exponent) => {
    const y = scale.y(10 ** exponent);
    return [
      svg('line', { x1: left, x2: right, y1: y, y2: y, class: 'grid' }),
      svg('text', { x: left - 6, y: y + 4, class: 'tick', 'text-anchor': 'end' }, ...powerOfTen(exponent)),
    ];
  });
  const above = data.limit === undefined ? undefined : scale.y(data.limit.value);
  const failing =
    above === undefined
      ? []
      : [
          svg('rect', {
            x: left,
            y: scale.range[0],
            width: right - left,
            height: above - scale.range[0],
            class: 'over',
          }),
        ];
  return [
    ...failing,
    ...ticks,
    ...lane('lane-nonfinite', scale.nonFiniteLane, left < 50 ? 'NaN' : 'NaN, Inf'),
    ...lane('lane-zero', scale.zeroLane, left < 50 ? '0' : '0, exact'),
  ];
}

function selection(
  data: PanelData,
  layer: number | undefined,
  axis: LayerAxis,
  top: number,
  bottom: number,
): SvgNode[] {
  // The rule marks its own layer well enough.
  if (layer === undefined || layer === data.first?.layer || !axis.layers.includes(layer)) return [];
  const width = Math.max(10, Math.min(axis.step, 26));
  return [svg('rect', { x: axis.x(layer) - width / 2, y: top, width, height: bottom - top, class: 'selected-layer' })];
}

function limit(data: PanelData, scale: ErrorScale, left: number, right: number, narrow: boolean): SvgNode[] {
  if (data.limit === undefined) return [];
  const y = scale.y(data.limit.value);
  return [
    svg('line', { x1: left, x2: right, y1: y, y2: y, class: 'limit-line' }),
    ...(narrow ? [svg('text', { x: left + 4, y: y - 4, class: 'limit-text' }, data.limit.text)] : []),
  ];
}

function rule(data: PanelData, axis: LayerAxis, named: boolean, bottom: number, width: number): SvgNode[] {
  if (data.first === undefined) return [];
  const x = axis.x(data.first.layer);
  const room = data.first.text.length * RULE_CHARACTER + 7;
  const toLeft = x + room > width && x > room;
  const overflow = Math.max(0, x + room - width);
  const text = svg(
    'text',
    { x: toLeft ? x - 7 : x + 7 - overflow, y: 13, class: 'rule-text', 'text-anchor': toLeft ? 'end' : 'start' },
    data.first.text,
  );
  return [
    svg('line', { x1: x, x2: x, y1: named ? (overflow > 0 && !toLeft ? 18 : 2) : 0, y2: bottom, class: 'rule-line' }),
    ...(named ? [text] : []),
  ];
}

function curve(series: PanelSeries, scale: ErrorScale, axis: LayerAxis, density: Density): SvgNode {
  const at = (p: PanelPoint): readonly [number, number] => [axis.x(p.layer), scale.y(p.value)];
  // A stretch through a lane is drawn thin: between a number and "no number" there is no slope.
  const solid: (readonly [number, number] | undefined)[] = [];
  const thin: (readonly [number, number] | undefined)[] = [];
  series.points.forEach((point, i) => {
    const next = series.points[i + 1];
    if (placeOf(point.value) === 'value') solid.push(at(point));
    else solid.push(undefined);
    if (next !== undefined && (placeOf(point.value) !== 'value' || placeOf(next.value) !== 'value')) {
      solid.push(undefined);
      thin.push(at(point), at(next), undefined);
    }
  });
  return group(`curve ${series.mode}`, [
    thin.length === 0 ? undefined : svg('path', { d: linePath(thin), class: 'thin' }),
    svg('path', { d: linePath(solid), class: 'line' }),
    ...series.points
      .filter((p) => density !== 'packed' || p.failing || placeOf(p.value) !== 'value')
      .map((p) => mark(series, p, at(p), density !== 'roomy')),
    ...series.points.filter((p) => p.failing && series.mode === 'isolated').map((p) => ring(at(p))),
  ]);
}

/** How close the layers stand: full marks, small marks, or only the marks that say more than the line. */
type Density = 'roomy' | 'dense' | 'packed';

function ring([x, y]: readonly [number, number]): SvgNode {
  return svg('circle', { cx: x, cy: y, r: 8, class: 'culprit-ring' });
}

function mark(series: PanelSeries, point: PanelPoint, [x, y]: readonly [number, number], dense: boolean): SvgNode {
  if (placeOf(point.value) === 'nonfinite') {
    const r = dense ? 3 : 4;
    const d = `M${String(x - r)} ${String(y - r)}L${String(x + r)} ${String(y + r)}M${String(x + r)} ${String(y - r)}L${String(x - r)} ${String(y + r)}`;
    return svg('path', { d, class: 'mark-nonfinite' });
  }
  if (series.mode === 'free') return svg('circle', { cx: x, cy: y, r: dense ? 2.2 : 3.4, class: 'mark' });
  const side = dense ? 4.4 : 6.4;
  return svg('rect', { x: x - side / 2, y: y - side / 2, width: side, height: side, class: 'mark' });
}

/** Tokens whose experts differ, as bars on a shared scale of "all tokens", with the number where it fits. */
function flipStrip(data: PanelData, axis: LayerAxis, top: number, left: number): SvgNode[] {
  const full = FLIPS - 18;
  const width = Math.max(2, Math.min(10, axis.step - 2 || 10));
  const base = top + FLIPS - 6;
  const numbered = axis.step >= 26 || data.layers.length === 1;
  return [
    svg('text', { x: left - 6, y: base - 1, class: 'tick flip-text', 'text-anchor': 'end' }, 'flips'),
    ...data.flips.flatMap(({ layer, count }) => {
      const x = axis.x(layer);
      const height = Math.max(2, (full * count) / Math.max(1, data.nPositions));
      return [
        svg('rect', { x: x - width / 2, y: base - height, width, height, class: 'flip-bar' }),
        numbered ? svg('text', { x: x + width / 2 + 4, y: base - 1, class: 'flip-text' }, String(count)) : undefined,
      ].filter((n) => n !== undefined);
    }),
  ];
}

interface EndLabel {
  readonly text: string;
  readonly name: string;
  readonly y: number;
}

/** Series and limit named at their right end, pushed apart where they would touch. */
function endLabels(data: PanelData, scale: ErrorScale, right: number): SvgNode[] {
  const labels: EndLabel[] = data.series.flatMap((series) => {
    const last = series.points[series.points.length - 1];
    return last === undefined ? [] : [{ text: series.title, name: series.mode, y: scale.y(last.value) }];
  });
  if (data.limit !== undefined) labels.push({ text: data.limit.text, name: 'limit', y: scale.y(data.limit.value) });
  return spread(labels, 15).map((label) =>
    svg('text', { x: right + 8, y: label.y + 4, class: `end-label ${label.name}` }, label.text),
  );
}

/** Moves labels down just enough that neighbours are `gap` pixels apart, then centres each cluster where its members were. */
export function spread<T extends { readonly y: number }>(labels: readonly T[], gap: number): readonly T[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  const clusters: { items: T[]; centre: number }[] = [];
  for (const item of sorted) {
    clusters.push({ items: [item], centre: item.y });
    for (;;) {
      const last = clusters[clusters.length - 1];
      const before = clusters[clusters.length - 2];
      if (last === undefined || before === undefined) break;
      const room = ((last.items.length + before.items.length) / 2) * gap;
      if (last.centre - before.centre >= room) break;
      const items = [...before.items, ...last.items];
      const centre = items.reduce((sum, i) => sum + i.y, 0) / items.length;
      clusters.splice(-2, 2, { items, centre });
    }
  }
  return clusters.flatMap(({ items, centre }) =>
    items.map((item, i) => ({ ...item, y: centre + (i - (items.length - 1) / 2) * gap })),
  );
}

/** The panel in words, for a caption: what the curves do. */
export function describePanel(data: PanelData): string {
  const parts = data.series.map((series) => {
    const values = series.points.map((p) => p.value);
    const broken = values.filter((v) => !Number.isFinite(v)).length;
    const finite = values.filter((v) => Number.isFinite(v));
    const largest = finite.reduce((x, y) => Math.max(x, y), 0);
    const smallest = finite.reduce((x, y) => Math.min(x, y), Infinity);
    const range = finite.length === 0 ? '' : ` ${formatMetric(smallest)} to ${formatMetric(largest)}`;
    return `${series.title}${range}${broken === 0 ? '' : `, not finite in ${String(broken)} layers`}`;
  });
  return parts.join('; ');
}
