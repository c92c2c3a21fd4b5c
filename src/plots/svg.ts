import { markupText } from '../base/foreign-text';

/** A drawing as plain data: React renders it, {@link svgText} writes it to a file, tests read it. Styled by classes (plots.css). */
export interface SvgNode {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (SvgNode | string)[];
}

/** One element. Children that are `undefined` are left out, so that a mark can be conditional in place. */
export function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  ...children: readonly (SvgNode | string | undefined)[]
): SvgNode {
  const kept: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) kept[name] = typeof value === 'number' ? cut(value) : value;
  }
  return { tag, attributes: kept, children: children.filter((c) => c !== undefined) };
}

/** A `g` with a class. */
export function group(name: string, children: readonly (SvgNode | undefined)[]): SvgNode {
  return svg('g', { class: name }, ...children);
}

/** Coordinates to a thousandth of a pixel: enough for print, and goldens stay readable. */
export function cut(x: number): number {
  return Math.round(x * 1000) / 1000;
}

/** The path through points; `undefined` lifts the pen. */
export function linePath(points: readonly (readonly [number, number] | undefined)[]): string {
  let path = '';
  let down = false;
  for (const point of points) {
    if (point === undefined) {
      down = false;
      continue;
    }
    path += `${down ? 'L' : 'M'}${String(cut(point[0]))} ${String(cut(point[1]))}`;
    down = true;
  }
  return path;
}

/** Whether two drawings are alike to the last attribute: cheaper to ask than to draw again. */
export function sameDrawing(x: SvgNode, y: SvgNode): boolean {
  if (x === y) return true;
  if (x.tag !== y.tag || x.children.length !== y.children.length) return false;
  const names = Object.keys(x.attributes);
  if (names.length !== Object.keys(y.attributes).length) return false;
  for (const name of names) if (x.attributes[name] !== y.attributes[name]) return false;
  return x.children.every((child, i) => {
    const other = y.children[i];
    if (typeof child === 'string' || typeof other === 'string' || other === undefined) return child === other;
    return sameDrawing(child, other);
  });
}

/** Serialises a drawing; `indent` gives one element a line. */
export function svgText(node: SvgNode, indent = ''): string {
  const attributes = Object.entries(node.attributes)
    .map(([name, value]) => ` ${name}="${markupText(String(value))}"`)
    .join('');
  if (node.children.length === 0) return `${indent}<${node.tag}${attributes}/>\n`;
  if (node.children.every((c) => typeof c === 'string') || node.tag === 'text') {
    const inner = node.children.map((c) => (typeof c === 'string' ? markupText(c) : svgText(c).trimEnd())).join('');
    return `${indent}<${node.tag}${attributes}>${inner}</${node.tag}>\n`;
  }
  const inner = node.children
    .map((c) => (typeof c === 'string' ? `${indent}  ${markupText(c)}\n` : svgText(c, `${indent}  `)))
    .join('');
  return `${indent}<${node.tag}${attributes}>\n${inner}${indent}</${node.tag}>\n`;
}

/** Elements that draw something: the budget is about 5,000 a figure. */
export function countMarks(node: SvgNode): number {
  const own = ['g', 'svg', 'defs', 'tspan', 'title', 'pattern'].includes(node.tag) ? 0 : 1;
  return node.children.reduce((n, c) => n + (typeof c === 'string' ? 0 : countMarks(c)), own);
}
