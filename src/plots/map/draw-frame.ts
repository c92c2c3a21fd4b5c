import { FFN_OUT, ROUTER_WEIGHTS } from '../../model/stage-roles';
import { LAYER_INPUT } from '../../arch/graph';
import { stageIn } from '../../model/graph-of';
import { stageSpec, type StageId } from '../../model/stages';
import { svg, type SvgNode } from '../svg';
import { colourOf } from './draw-cells';
import type { MapLayout } from './layout';
import { isHot, type Bin } from './measure';
import type { MapData } from './map-types';
import { alarming, label, quiet, strong } from './text';
import type { MapTheme } from './theme';

/** Names of stages and groups, and the lines around the headline rows. */
export function drawNames(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { size, rows, groups, rightEdge } = layout;
  const nodes: SvgNode[] = [];
  const named = namedRows(data, layout);
  data.rows.forEach(({ stage, title, headline }, i) => {
    const box = rows[i];
    if (box === undefined) return;
    const isFirst = data.first?.stage === stage;
    if (named.has(i)) {
      const look = isFirst ? alarming : headline ? strong : quiet;
      const y = box.y + box.height / 2 + size.font * 0.34;
      const node = label(size.gutter - 8, y, look(theme, size.font, 'end'), title);
      nodes.push(size.names ? within(node, nameRoom(size), title.length * size.font * WIDE) : node);
    }
    if (!headline) return;
    const from = size.names ? size.gutter - 4 : 0;
    for (const y of [box.y - 0.5, box.y + box.height - 0.5]) {
      nodes.push(svg('line', { x1: from, x2: rightEdge, y1: y, y2: y, stroke: theme.ink, 'stroke-opacity': 0.55 }));
    }
  });
  for (const { group, y0, y1 } of groups) {
    if (size.names) {
      if (size.wiring !== undefined) nodes.push(label(0, y0 + size.font * 0.92, quiet(theme, size.font - 0.5), group));
      continue;
    }
    // Where rows are not named their group is, if nothing named stands there already.
    const taken = data.rows.some(
      (row) => row.group === group && (row.stage === data.first?.stage || (row.headline && group === 'output')),
    );
    if (taken) continue;
    const last = data.rows.findLastIndex((row) => row.group === group && !row.headline);
    const end = rows[last];
    const middle = (y0 + (end === undefined ? y1 : end.y + end.height)) / 2;
    nodes.push(label(size.gutter - 8, middle + size.font * 0.34, quiet(theme, size.font, 'end'), group));
  }
  return nodes;
}

/** The name of a row in hand that has none, over those of its neighbours. */
export function drawRowName(data: MapData, layout: MapLayout, theme: MapTheme, stage: StageId): readonly SvgNode[] {
  const { size, rows } = layout;
  const i = data.rows.findIndex((row) => row.stage === stage);
  const box = rows[i];
  const title = data.rows[i]?.title;
  if (box === undefined || title === undefined || !size.names || namedRows(data, layout).has(i)) return [];
  const middle = box.y + box.height / 2;
  const room = nameRoom(size);
  const [width, height] = [Math.min(room, title.length * size.font * WIDE), size.font + 3];
  const under = { x: size.gutter - 10 - width, y: middle - height / 2, width: width + 6, height, fill: theme.paper };
  const name = label(size.gutter - 8, middle + size.font * 0.34, strong(theme, size.font, 'end'), title);
  // Bold letters are wider.
  return [svg('rect', under), within(name, room, width * 1.06)];
}

/** Pixels from one name to the next. */
const NAME_PITCH = 10.8;

/** The rows whose names are written: headlines and the culprit; of the others those that do not touch one. */
function namedRows(data: MapData, { size, rows }: MapLayout): ReadonlySet<number> {
  const named = new Set<number>();
  data.rows.forEach(({ stage, headline }, i) => {
    if (headline || stage === data.first?.stage) named.add(i);
  });
  if (!size.names) return named;
  const middle = rows.map(({ y, height }) => y + height / 2);
  middle.forEach((y, i) => {
    if (![...named].some((other) => Math.abs((middle[other] ?? 0) - y) < NAME_PITCH)) named.add(i);
  });
  return named;
}

/** Width of a letter, in font sizes, on average. */
const WIDE = 0.53;

/** From the wiring to where names end. */
function nameRoom({ gutter, wiring }: MapLayout['size']): number {
  return gutter - 8 - (wiring === undefined ? 0 : wiring + 20);
}

/** Set narrower where it would run into what stands before it. */
function within(node: SvgNode, room: number, width: number): SvgNode {
  if (width <= room) return node;
  return { ...node, attributes: { ...node.attributes, textLength: room, lengthAdjust: 'spacingAndGlyphs' } };
}

/**
 * The machine beside its rows: the residual stream, the branches that leave it and come back at a sum, fans where heads or experts work side by
 * side, and the router's weights on their way past the experts. The culprit's node is red.
 */
export function drawWiring(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const x = layout.size.wiring;
  if (x === undefined) return [];
  const branch = x + 11;
  const nodes: SvgNode[] = [];
  const line = (d: string, width: number): void => {
    nodes.push(svg('path', { d, fill: 'none', stroke: theme.rule2, 'stroke-width': width }));
  };
  const middle = data.rows.map((_, i) => {
    const box = layout.rows[i];
    return box === undefined ? 0 : box.y + box.height / 2;
  });
  const at = (i: number): string => String(middle[i] ?? 0);
  line(`M${String(x)} ${String(layout.top - 4)}V${String(layout.bottom + 5)}`, 2);
  const stream = new Set<string>([LAYER_INPUT]);
  const sums = data.rows.flatMap(({ stage }, i) => {
    const { operation, inputs } = stageIn(data.view.hparams, stage);
    if (operation !== 'add' || !inputs.some((input) => stream.has(input))) return [];
    stream.add(stage);
    return [i];
  });
  let start = 0;
  for (const sum of sums) {
    if (sum > start) {
      const y0 = (middle[start] ?? 0) - 5;
      const y1 = (middle[sum] ?? 0) - 3;
      line(
        `M${String(x)} ${String(y0)}Q${String(branch)} ${String(y0)} ${String(branch)} ${at(start)}V${at(sum - 1)}Q${String(branch)} ${String(y1)} ${String(x + 3)} ${at(sum)}`,
        1.3,
      );
    }
    start = sum + 1;
  }
  const fan = (of: (i: number) => boolean, spread: readonly number[]): void => {
    const first = data.rows.findIndex((_, i) => of(i));
    const last = data.rows.findLastIndex((_, i) => of(i));
    if (first < 1 || last <= first || last + 1 >= data.rows.length) return;
    for (const dx of spread) {
      const px = String(branch + dx);
      line(`M${String(branch)} ${at(first - 1)}L${px} ${at(first)}V${at(last)}L${String(branch)} ${at(last + 1)}`, 1);
    }
  };
  const shapeOf = (i: number): readonly string[] => {
    const stage = data.rows[i]?.stage;
    return stage === undefined ? [] : stageSpec(stage).shape;
  };
  fan((i) => shapeOf(i).some((dim) => dim === 'nHead' || dim === 'nHeadKv'), [-4, 4]);
  fan((i) => data.rows[i]?.group === 'experts', [-5, -2.5, 2.5]);
  const router = data.rows.findIndex(({ stage }) => stage === ROUTER_WEIGHTS);
  const joined = data.rows.findIndex(({ stage }) => stage === FFN_OUT);
  if (router >= 0 && joined > router) {
    line(
      `M${String(branch)} ${at(router)}L${String(branch + 6)} ${String((middle[router] ?? 0) + 6)}V${String((middle[joined] ?? 0) - 6)}L${String(branch)} ${at(joined)}`,
      1.3,
    );
  }
  data.rows.forEach(({ stage }, i) => {
    const isSum = sums.includes(i);
    const y = middle[i] ?? 0;
    if (isSum) {
      nodes.push(svg('circle', { cx: x, cy: y, r: 4.2, fill: theme.paper, stroke: theme.ink3 }));
      nodes.push(
        svg('path', {
          d: `M${String(x - 2.4)} ${String(y)}h4.8M${String(x)} ${String(y - 2.4)}v4.8`,
          stroke: theme.ink3,
          fill: 'none',
        }),
      );
    } else if (!shapeOf(i).some((dim) => dim === 'nHead' || dim === 'nHeadKv') && data.rows[i]?.group !== 'experts') {
      nodes.push(svg('circle', { cx: branch, cy: y, r: 2, fill: theme.ink3 }));
    }
    if (data.first?.stage === stage) {
      const cx = isSum ? x : branch;
      nodes.push(svg('circle', { cx, cy: y, r: 4, fill: theme.wrong, stroke: theme.paper, 'stroke-width': 1.5 }));
    }
  });
  return nodes;
}

/** Layers below the columns: as many as fit, the culprit's always. */
export function drawAxis(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { size, pitch, window } = layout;
  const font = size.font - (size.font > 14 ? 2 : 0.5);
  const y = layout.bottom + font + 4;
  const most = data.layers.at(-1) ?? 0;
  const room = (String(most).length + 1) * font * 0.62;
  const step = [1, 2, 5, 10, 20, 50, 100].find((s) => s * pitch >= room) ?? 100;
  const first = data.layers.indexOf(data.first?.layer ?? -1);
  const nodes: SvgNode[] = [];
  for (let l = window.from; l < window.to; l++) {
    const isFirst = l === first;
    const isNear = first >= 0 && Math.abs(first - l) * pitch < room;
    const layer = data.layers[l] ?? l;
    if (!isFirst && (layer % step !== 0 || isNear)) continue;
    const look = isFirst ? alarming(theme, font, 'middle') : quiet(theme, font, 'middle');
    nodes.push(label(layout.x(l) + (pitch - layout.gap) / 2, y, look, String(layer)));
  }
  if (size.names) nodes.push(label(size.gutter - 8, y, quiet(theme, font, 'end'), 'layer'));
  return nodes;
}

/** All layers in a line, each with its worst stage, and the window on it. */
export function drawOverview(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { overview, window, size, left, rightEdge } = layout;
  if (overview === undefined) return [];
  const n = data.layers.length;
  const width = (rightEdge - left) / Math.max(1, n);
  const nodes: SvgNode[] = data.layers.map((layer, l) => {
    const worst = data.rows.map(({ stage }) => data.bin(stage, layer)).reduce(worse, undefined);
    const colour = worst === 'nonfinite' ? theme.stripe[0] : (colourOf(worst, 'none', theme) ?? theme.panel);
    return svg('rect', {
      x: left + l * width,
      y: overview.y,
      width: width + 0.3,
      height: overview.height,
      fill: colour,
    });
  });
  nodes.push(
    svg('rect', {
      x: left + window.from * width,
      y: overview.y - 1.5,
      width: (window.to - window.from) * width,
      height: overview.height + 3,
      fill: 'none',
      stroke: theme.ink,
      'stroke-width': 1.4,
      rx: 2,
    }),
  );
  const from = data.layers[window.from] ?? 0;
  const to = data.layers[window.to - 1] ?? 0;
  const text = layout.whole ? 'all layers' : `layers ${String(from)} to ${String(to)} of ${String(n)}`;
  if (size.names) nodes.push(label(size.gutter - 8, overview.y + 8, quiet(theme, 11.5, 'end'), text));
  return nodes;
}

function worse(x: Bin, y: Bin): Bin {
  const rank = (bin: Bin): number => (bin === 'nonfinite' ? 10 : typeof bin === 'number' && isHot(bin) ? bin : -1);
  if (rank(y) >= 0 || rank(x) >= 0) return rank(y) > rank(x) ? y : x;
  return typeof y === 'number' && (typeof x !== 'number' || y > x) ? y : x;
}
