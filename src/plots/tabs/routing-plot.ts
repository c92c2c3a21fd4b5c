import { CHOSEN_EXPERTS } from '../../model/stage-roles';
import { formatMetric } from '../../base/format';
import { Cells } from '../map/cells';
import type { MapData } from '../map/map-types';
import { label, quiet, strong } from '../map/text';
import type { MapTheme } from '../map/theme';
import type { RoutingData, RoutingToken } from '../select-routing';
import { svg, type SvgNode } from '../svg';
import type { Columns } from './columns';
import { layerAxisNodes, short } from './token-map';

const ROW = 15;
const BAR = 36;

/** Tokens that chose other experts, by layer, in the map's columns; undefined where none did. */
export function flipBars(
  data: MapData,
  columns: Columns,
  theme: MapTheme,
  layer: number | undefined,
): SvgNode | undefined {
  const n = Math.max(1, data.view.positions.length);
  const counts = data.layers.map((l) => data.row('free', CHOSEN_EXPERTS, l)?.flips?.length ?? 0);
  if (counts.every((count) => count === 0)) return undefined;
  const nodes: SvgNode[] = [
    label(columns.gutter - 8, 12, quiet(theme, 11.5, 'end'), `${n} tokens`),
    label(columns.gutter - 8, 34, quiet(theme, 11.5, 'end'), 'flipped'),
  ];
  for (let l = columns.from; l < columns.to; l++) {
    const count = counts[l] ?? 0;
    if (count === 0) continue;
    const tall = Math.max(1.5, (BAR * count) / n);
    nodes.push(
      svg('rect', {
        x: columns.x(l),
        y: 4 + BAR - tall,
        width: Math.max(1, columns.pitch - Math.max(1, columns.gap)),
        height: tall,
        fill: theme.flip,
        'fill-opacity': data.layers[l] === layer ? 1 : 0.55,
      }),
    );
  }
  nodes.push(svg('line', { x1: columns.left, x2: columns.right, y1: 40.5, y2: 40.5, stroke: theme.rule2 }));
  nodes.push(...layerAxisNodes(data, columns, theme, 54));
  const box = { viewBox: `0 0 ${columns.width} 60`, width: columns.width, height: 60 };
  return svg('svg', { ...box, 'aria-hidden': 'true' }, ...nodes);
}

/** Long prompts show the tokens that flipped; these are the most without a scroll of their own. */
export const MOST_ROUTED = 40;

/** The tokens of a layer worth a row each: all of a short prompt, those that flipped of a long one, else the closest choices. */
export function routedTokens({ tokens }: RoutingData): readonly RoutingToken[] {
  if (tokens.length <= MOST_ROUTED) return tokens;
  const flipped = tokens.filter((token) => token.marks.some(({ choice }) => choice !== 'both'));
  if (flipped.length > 0) return flipped;
  return [...tokens]
    .sort((x, y) => (x.margin ?? Infinity) - (y.margin ?? Infinity))
    .slice(0, MOST_ROUTED)
    .sort((x, y) => x.position - y.position);
}

export interface RoutingLook {
  readonly position: number | undefined;
  readonly expert: number | undefined;
}

type Field = Pick<Columns, 'width' | 'gutter' | 'right'>;

/** Room for a margin behind each row of tokens. */
const MARGIN_ROOM = 52;

/** Where the experts' columns are, and whether the figure is too narrow for the margins behind them. */
function fieldOf({ width, gutter, right }: Field): { readonly right: number; readonly narrow: boolean } {
  const narrow = gutter < 120;
  return { narrow, right: narrow ? right : Math.min(right, width - MARGIN_ROOM) };
}

/** Tokens down, experts across: ink is the weight; a ring the reference's alone, a cross the candidate's alone. */
export function routingPlot(
  data: RoutingData,
  tokens: readonly RoutingToken[],
  columns: Field,
  theme: MapTheme,
  look: RoutingLook,
): SvgNode {
  const { width, gutter } = columns;
  const { right, narrow } = fieldOf(columns);
  const pitch = (right - gutter) / Math.max(1, data.nExpert);
  const top = narrow ? 4 : 14;
  const cells = new Cells(theme);
  const marks: SvgNode[] = [];
  let rings = '';
  let crosses = '';
  tokens.forEach((token, t) => {
    const y = top + t * ROW;
    cells.fill(theme.panel, gutter, y, right - gutter, ROW - 1);
    for (const { expert, choice, weight } of token.marks) {
      const cx = gutter + (expert + 0.5) * pitch;
      const cy = y + ROW / 2 - 0.5;
      if (choice === 'both') {
        const share = Number.isFinite(weight) ? Math.min(1, Math.max(0, weight * 1.4)) : 0;
        const wide = Math.max(2, pitch - 1);
        cells.fill(inkOf(theme, 0.25 + 0.75 * (Math.round(share * 6) / 6)), cx - wide / 2, y + 1, wide, ROW - 3);
      } else if (choice === 'only-b') rings += `M${cx - 4} ${cy}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`;
      else crosses += `M${cx - 3.2} ${cy - 3.2}l6.4 6.4m0 -6.4l-6.4 6.4`;
    }
    const chosen = token.position === look.position;
    marks.push(
      label(
        gutter - 8,
        y + 11,
        chosen ? strong(theme, 12, 'end') : quiet(theme, 12, 'end'),
        svg('tspan', { 'font-family': "'IBM Plex Mono', monospace" }, short(token.text, narrow ? 6 : 14)),
        svg('tspan', { fill: theme.ink3 }, ` ${token.position}`),
      ),
    );
    if (!narrow) marks.push(label(right + 8, y + 11, quiet(theme, 11.5), formatMetric(token.margin)));
    if (chosen) {
      const box = { x: gutter - 1, y: y - 1, width: right - gutter + 2, height: ROW + 1 };
      marks.push(svg('rect', { ...box, fill: 'none', stroke: theme.ink, 'stroke-width': 1.4 }));
    }
  });
  const bottom = top + tokens.length * ROW;
  const every = [1, 2, 4, 8, 16, 32, 64, 128].find((s) => s * pitch >= String(data.nExpert).length * 8 + 6) ?? 128;
  for (let e = 0; e < data.nExpert; e += every) {
    marks.push(label(gutter + (e + 0.5) * pitch, bottom + 13, quiet(theme, 11.5, 'middle'), String(e)));
  }
  marks.push(label(gutter - 8, bottom + 13, quiet(theme, 11.5, 'end'), 'expert'));
  if (!narrow) marks.push(label(right + 8, 9, quiet(theme, 11.5), 'margin'));
  if (look.expert !== undefined && look.expert < data.nExpert) {
    const wide = Math.max(3, pitch);
    const x = gutter + (look.expert + 0.5) * pitch - wide / 2;
    const box = { x, y: top - 2, width: wide, height: bottom - top + 3 };
    marks.push(svg('rect', { ...box, fill: 'none', stroke: theme.focus, 'stroke-width': 1.6 }));
  }
  const height = bottom + 18;
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' },
    ...cells.nodes(),
    rings === '' ? undefined : svg('path', { d: rings, fill: 'none', stroke: theme.flip, 'stroke-width': 1.6 }),
    crosses === '' ? undefined : svg('path', { d: crosses, fill: 'none', stroke: theme.flip, 'stroke-width': 1.8 }),
    ...marks,
  );
}

/** The token and the expert under a point. */
export function routingAt(
  data: RoutingData,
  tokens: readonly RoutingToken[],
  columns: Field,
  x: number,
  y: number,
): { readonly token: RoutingToken; readonly expert: number | undefined } | undefined {
  const { gutter } = columns;
  const { right, narrow } = fieldOf(columns);
  const token = tokens[Math.floor((y - (narrow ? 4 : 14)) / ROW)];
  if (token === undefined) return undefined;
  const expert = Math.floor(((x - gutter) / (right - gutter)) * data.nExpert);
  return { token, expert: expert >= 0 && expert < data.nExpert ? expert : undefined };
}

function inkOf(theme: MapTheme, share: number): string {
  const channel = (from: number): string => {
    const [a, b] = [theme.panel, theme.ink].map((hex) => parseInt(hex.slice(from, from + 2), 16));
    return Math.round((a ?? 0) + ((b ?? 0) - (a ?? 0)) * share)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}
