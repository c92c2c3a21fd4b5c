import { cellColour, heatLayout, heatLegend, heatOverlay } from '../plots/heatmap';
import { cssColour, type FigureTheme, type Rgb } from '../plots/colour';
import { mapLayout, mapOverlay, shareColour } from '../plots/load-map';
import { cellKey, selectHeatmap, type HeatData } from '../plots/select-heatmap';
import { loadMaps, selectLoad } from '../plots/select-load';
import { routingLayer } from '../plots/select-routing';
import { svg, type SvgNode } from '../plots/svg';
import type { TraceView } from '../plots/trace-view';
import type { ViewState } from './view-state';

/** A figure of a picture, from its own origin. */
export interface MapBlock {
  readonly title: string;
  readonly aside: string;
  readonly height: number;
  /** Styled by the page's classes, except for the cells, which have colours of their own. */
  readonly nodes: readonly SvgNode[];
}

/** Every stage by every layer, as it is looked at on the page; the cells are the worst of all tokens. */
export function heatBlock(trace: TraceView, view: ViewState, theme: FigureTheme, width: number): MapBlock {
  const whole = selectHeatmap(trace, view.heatMode, view.heatMeasure);
  // A picture has no pointer: one cell a layer is what can be read.
  const data: HeatData = { ...whole, measure: { ...whole.measure, perToken: false } };
  const layout = heatLayout(data, width);
  const cells = new Cells(theme);
  data.stages.forEach(({ stage }, r) => {
    data.layers.forEach((layer, l) => {
      const value = data.cells.get(cellKey(stage, layer))?.worst;
      cells.add(
        cellColour(value, theme, data.measure.decades),
        layout.left + l * (layout.blockWidth + layout.gap),
        layout.top + r * layout.rowHeight,
        layout.blockWidth,
        layout.rowHeight - 1,
      );
    });
  });
  const legend = heatLegend(theme, data.measure, width);
  return {
    title: 'Every stage, every layer',
    aside: `${data.measure.title}, ${data.mode === 'free' ? 'free-running' : 'isolated'}, worst of all tokens`,
    height: layout.height + 44,
    nodes: [
      ...cells.nodes(),
      ...heatOverlay(data, layout, undefined).children.filter((child) => typeof child !== 'string'),
      svg(
        'g',
        { transform: `translate(${String(layout.left + 14)} ${String(layout.height + 12)})` },
        ...legend.children.flatMap((child) =>
          typeof child === 'string' || child.tag === 'defs' ? [] : [hatched(child, theme)],
        ),
      ),
    ],
  };
}

/** How many tokens each expert of each layer got, on each arm. */
export function loadBlock(trace: TraceView, theme: FigureTheme, width: number): MapBlock | undefined {
  if (trace.routing.length === 0) return undefined;
  const data = selectLoad(trace);
  const maps = loadMaps(data);
  const layout = mapLayout(maps.length, data.layers.length, data.nExpert, width);
  const even = data.nExpertUsed / Math.max(1, data.nExpert);
  const [spaceX, spaceY] = [layout.cellWidth >= 5 ? 1 : 0, layout.cellHeight >= 5 ? 1 : 0];
  const cells = new Cells(theme);
  maps.forEach((map, m) => {
    const [left, top] = layout.origins[m] ?? [0, 0];
    // The ground in one piece; only who was chosen is a cell.
    cells.add(theme.blank, left, top, data.nExpert * layout.cellWidth, data.layers.length * layout.cellHeight);
    map.shares.forEach((shares, l) => {
      shares?.forEach((share, e) => {
        const differs = map.differs?.(l, e) ?? false;
        if (share === 0 && !differs) return;
        const x = left + e * layout.cellWidth;
        const y = top + l * layout.cellHeight;
        cells.add(
          shareColour(theme, share, even, differs),
          x,
          y,
          layout.cellWidth - spaceX,
          layout.cellHeight - spaceY,
        );
      });
    });
  });
  const focus = { layer: routingLayer(trace), expert: undefined };
  return {
    title: 'Load of every expert in every layer',
    aside: `layers down, experts across; ink is the share of tokens${maps.length > 1 ? ', violet where the arms differ' : ''}`,
    height: layout.height,
    nodes: [
      ...cells.nodes(),
      ...mapOverlay(maps, data.layers, layout, focus).children.filter((child) => typeof child !== 'string'),
    ],
  };
}

/** Cells by colour, a path each: thousands of them stay a few dozen elements. */
class Cells {
  readonly #theme: FigureTheme;
  readonly #paths = new Map<string, string>();
  #stripes = '';

  constructor(theme: FigureTheme) {
    this.#theme = theme;
  }

  /** `colour` undefined: not finite, hatched. */
  add(colour: Rgb | undefined, x: number, y: number, width: number, height: number): void {
    const fill = cssColour(colour ?? this.#theme.paper);
    const rect = `M${tenth(x)} ${tenth(y)}h${tenth(width)}v${tenth(height)}h${tenth(-width)}z`;
    this.#paths.set(fill, (this.#paths.get(fill) ?? '') + rect);
    if (colour === undefined) this.#stripes += stripes(x, y, width, height);
  }

  nodes(): readonly SvgNode[] {
    const cells = [...this.#paths].map(([fill, d]) => svg('path', { d, fill, stroke: 'none' }));
    return this.#stripes === '' ? cells : [...cells, stripesOf(this.#stripes, this.#theme)];
  }
}

/** Pixels between two stripes of a hatch. */
const STRIPE = 5;

/** The lines x + y = n STRIPE inside a rectangle, as a path: patterns are what many viewers of SVG leave out. */
function stripes(x: number, y: number, width: number, height: number): string {
  let path = '';
  for (let sum = Math.ceil((x + y) / STRIPE) * STRIPE; sum < x + y + width + height; sum += STRIPE) {
    const right = Math.min(x + width, sum - y);
    const left = Math.max(x, sum - y - height);
    if (right > left) path += `M${tenth(left)} ${tenth(sum - left)}L${tenth(right)} ${tenth(sum - right)}`;
  }
  return path;
}

function stripesOf(d: string, theme: FigureTheme): SvgNode {
  return svg('path', { d, fill: 'none', stroke: cssColour(theme.hatch), 'stroke-width': 1.6 });
}

/** The legend's swatch, which is a pattern on the page. */
function hatched(node: SvgNode, theme: FigureTheme): SvgNode {
  if (node.attributes['fill'] !== 'url(#hatch)') return node;
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(node.attributes[name]));
  const fill = cssColour(theme.paper);
  return svg(
    'g',
    {},
    { ...node, attributes: { ...node.attributes, fill } },
    stripesOf(stripes(x ?? 0, y ?? 0, width ?? 0, height ?? 0), theme),
  );
}

/** A tenth of a pixel is enough for a cell. */
function tenth(x: number): string {
  return String(Math.round(x * 10) / 10);
}
