import { svg, type SvgNode } from '../svg';
import type { MapTheme } from './theme';

/** Rectangles by colour, a path each: thousands of them stay a few dozen elements. */
export class Cells {
  readonly #theme: MapTheme;
  readonly #fills = new Map<string, string>();
  #stripes = '';
  #dashed = '';

  constructor(theme: MapTheme) {
    this.#theme = theme;
  }

  fill(colour: string, x: number, y: number, width: number, height: number): void {
    this.#fills.set(colour, (this.#fills.get(colour) ?? '') + rectPath(x, y, width, height));
  }

  /** Not finite: striped at 45 degrees. As lines, since many viewers leave patterns out. */
  nonfinite(x: number, y: number, width: number, height: number): void {
    this.fill(this.#theme.stripe[0], x, y, width, height);
    this.#stripes += stripes(x, y, width, height);
  }

  /** Not compared: an outline and nothing in it. */
  none(x: number, y: number, width: number, height: number): void {
    this.#dashed += rectPath(x + 0.5, y + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
  }

  nodes(): readonly SvgNode[] {
    const { stripe, rule2 } = this.#theme;
    const nodes = [...this.#fills].map(([fill, d]) => svg('path', { d, fill }));
    if (this.#stripes !== '') {
      nodes.push(svg('path', { d: this.#stripes, fill: 'none', stroke: stripe[1], 'stroke-width': 1.6 }));
    }
    if (this.#dashed !== '') {
      nodes.push(svg('path', { d: this.#dashed, fill: 'none', stroke: rule2, 'stroke-dasharray': '2 2' }));
    }
    return nodes;
  }
}

/** Pixels between two stripes. */
const STRIPE = 7;

/** The lines x + y = n STRIPE inside a rectangle. */
export function stripes(x: number, y: number, width: number, height: number): string {
  let path = '';
  for (let sum = Math.ceil((x + y) / STRIPE) * STRIPE; sum < x + y + width + height; sum += STRIPE) {
    const right = Math.min(x + width, sum - y);
    const left = Math.max(x, sum - y - height);
    if (right > left) path += `M${tenth(left)} ${tenth(sum - left)}L${tenth(right)} ${tenth(sum - right)}`;
  }
  return path;
}

/** A rectangle as a part of a path. */
export function rectPath(x: number, y: number, width: number, height: number): string {
  return `M${tenth(x)} ${tenth(y)}h${tenth(width)}v${tenth(height)}h${tenth(-width)}z`;
}

/** A tenth of a pixel is enough for a cell. */
export function tenth(x: number): string {
  return String(Math.round(x * 10) / 10);
}
