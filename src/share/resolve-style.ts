import type { SvgNode } from '../plots/svg';
import { FACES, type Palette } from './palette';

type Attributes = Readonly<Record<string, string | number>>;

interface Rule {
  /** A class of the element itself, or `<tag>`. */
  readonly on: string;
  /** A class of it or of an element around it. */
  readonly within?: string;
  readonly give: Attributes;
}

/** Classes of plots/ that only group. */
export const STRUCTURE: ReadonlySet<string> = new Set([
  'plot',
  'frame',
  'selection',
  'limit',
  'rule',
  'curve',
  'free',
  'isolated',
  'flips',
  'labels',
  'axis',
  'caption',
  'lane-nonfinite',
  'lane-zero',
  'lane-name',
  'rows',
  'columns',
  'row',
  'map',
  'strip',
  'ticks',
  'legend',
]);

/** What plots.css says of the figures that pictures hold, as attributes: a picture must not need a style sheet, which many viewers strip. */
export function styleRules(p: Palette): readonly Rule[] {
  return [
    { on: '<text>', give: { fill: p.mute, 'font-size': 11 } },
    { on: 'exponent', give: { 'font-size': 8.5 } },
    { on: 'tick', give: { fill: p.mute } },
    { on: 'strong', give: { fill: p.ink, 'font-weight': 600 } },
    { on: 'grid', give: { stroke: p.line } },
    { on: 'over', give: { fill: p.over.slice(0, 7), 'fill-opacity': opacityOf(p.over) } },
    { on: 'lane', give: { fill: p.chip, 'fill-opacity': 0.7 } },
    { on: 'limit-line', give: { stroke: p.ink, 'stroke-dasharray': '1.5 3' } },
    { on: 'limit-text', give: { fill: p.ink } },
    { on: 'rule-line', give: { stroke: p.ink } },
    { on: 'rule-text', give: { fill: p.ink, 'font-size': 12, 'font-weight': 600 } },
    { on: 'selected-layer', give: { fill: p.mute, 'fill-opacity': 0.1 } },
    { on: 'line', give: { fill: 'none', 'stroke-linejoin': 'round' } },
    { on: 'line', within: 'free', give: { stroke: p.free, 'stroke-width': 2 } },
    { on: 'line', within: 'isolated', give: { stroke: p.isolated, 'stroke-width': 1.6, 'stroke-dasharray': '5 3' } },
    { on: 'thin', give: { fill: 'none', 'stroke-width': 0.8, 'stroke-dasharray': '1 3' } },
    { on: 'thin', within: 'free', give: { stroke: p.free } },
    { on: 'thin', within: 'isolated', give: { stroke: p.isolated } },
    { on: 'mark', within: 'free', give: { fill: p.free } },
    { on: 'mark', within: 'isolated', give: { fill: p.paper, stroke: p.isolated, 'stroke-width': 1.6 } },
    { on: 'mark-nonfinite', give: { fill: 'none', 'stroke-width': 2 } },
    { on: 'mark-nonfinite', within: 'free', give: { stroke: p.free } },
    { on: 'mark-nonfinite', within: 'isolated', give: { stroke: p.isolated } },
    { on: 'culprit-ring', give: { fill: 'none', stroke: p.ink, 'stroke-width': 1.4 } },
    { on: 'end-label', give: { 'font-size': 12, 'font-weight': 600 } },
    { on: 'end-label', within: 'free', give: { fill: p.free } },
    { on: 'end-label', within: 'isolated', give: { fill: p.isolated } },
    { on: 'end-label', within: 'limit', give: { fill: p.ink, 'font-weight': 400 } },
    { on: 'flip-bar', give: { fill: p.flip } },
    { on: 'flip-text', give: { fill: p.flip } },
    { on: 'culprit-box', give: { fill: 'none', stroke: p.free, 'stroke-width': 2 } },
    { on: 'selected-box', give: { fill: 'none', stroke: p.ink, 'stroke-width': 1.4 } },
    { on: 'swatch', give: { stroke: p.line } },
    { on: 'map-title', give: { fill: p.ink, 'font-size': 12, 'font-weight': 500 } },
  ];
}

/** The drawing with every class turned into attributes, so that it stands alone. */
export function resolveStyle(node: SvgNode, palette: Palette): SvgNode {
  return resolve(node, styleRules(palette), []);
}

function resolve(node: SvgNode, rules: readonly Rule[], around: readonly string[]): SvgNode {
  const { class: classes = '', ...own } = node.attributes;
  const names = String(classes)
    .split(' ')
    .filter((name) => name !== '');
  const path = [...around, ...names];
  const given: Record<string, string | number> = {};
  for (const { on, within, give } of rules) {
    const applies = on === `<${node.tag}>` || names.includes(on);
    if (applies && (within === undefined || path.includes(within))) Object.assign(given, give);
  }
  return {
    tag: node.tag,
    attributes: { ...given, ...own },
    children: node.children.map((child) => (typeof child === 'string' ? child : resolve(child, rules, path))),
  };
}

/** Opacity of `#rrggbbaa`. */
function opacityOf(colour: string): number {
  return Math.round((parseInt(colour.slice(7, 9), 16) / 255) * 1000) / 1000;
}

export const PICTURE_FONT: Attributes = { 'font-family': FACES.sans };
