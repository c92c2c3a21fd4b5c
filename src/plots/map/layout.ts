import type { StageId } from '../../model/stages';
import { hasPositions } from './measure';
import { GROUPS, type Group, type MapData } from './map-types';

/** Pixels of a map in one of its sizes. */
export interface MapSize {
  /** Left of the columns: groups, wiring, names. */
  readonly gutter: number;
  /** Above the rows: the callout. */
  readonly top: number;
  readonly row: number;
  readonly headline: number;
  readonly groupGap: number;
  readonly bookend: number;
  /** Right of the last bookend. */
  readonly right: number;
  readonly font: number;
  readonly strip: number;
  readonly stripGap: number;
  /** Where the wiring stands; without it only group names, headlines and the culprit are named. */
  readonly wiring: number | undefined;
  /** Whether every row is named. */
  readonly names: boolean;
  /** The rows of all groups take no more: a machine of many stages has thinner ones. */
  readonly tallest?: number;
}

/** Rows of a machine of many stages, and what stands around them: with strips and headlines of these sizes the strips still end above the fold. */
const DENSE = { headline: 18, groupGap: 5, strip: 49, stripGap: 5, font: 11 } as const;
/** A row is no thinner, however many there are. */
const THINNEST = 5.5;

const PAGE = {
  gutter: 192,
  top: 28,
  row: 12,
  headline: 21,
  groupGap: 6,
  bookend: 18,
  right: 24,
  font: 12,
  strip: 60,
  stripGap: 8,
  wiring: 62,
  names: true,
  tallest: 324,
} as const satisfies MapSize;

/** The page's sizes: with the first visit's stories above it, and for narrow and very narrow windows. */
export const MAP_SIZES = {
  page: PAGE,
  first: { ...PAGE, top: 26, row: 11.2, headline: 18, groupGap: 5, strip: 49, stripGap: 5, tallest: 300 },
  medium: { ...PAGE, gutter: 184, wiring: 58, font: 11.5, bookend: 16 },
  phone: {
    gutter: 110,
    top: 30,
    row: 8.5,
    headline: 17,
    groupGap: 5,
    bookend: 7,
    right: 2,
    font: 12,
    strip: 50,
    stripGap: 8,
    wiring: undefined,
    names: false,
  },
  card: {
    gutter: 156,
    top: 26,
    row: 13.9,
    headline: 26,
    groupGap: 7,
    bookend: 22,
    right: 2,
    font: 18,
    strip: 0,
    stripGap: 0,
    wiring: undefined,
    names: false,
    tallest: 382,
  },
} as const satisfies Record<string, MapSize>;

/** Above the rows where no callout stands there. */
const NO_CALLOUT = 10;
/** From this many pixels on a token has a place of its own in a cell. */
const TOKEN_PIXELS = 3;
const AXIS = 24;
/** FinalNorm and LmHead. */
const HEAD_STAGES = 2;
/** From this many layers on the overview is there without being asked for. */
const MANY_LAYERS = 64;
const OVERVIEW = 18;
/** The culprit's stage and the headlines. */
const MOST_STRIPS = 3;

/** A window of layers: indices into the trace's layers, the end excluded. */
export interface LayerWindow {
  readonly from: number;
  readonly to: number;
}

export interface MapLayout {
  readonly size: MapSize;
  readonly width: number;
  readonly height: number;
  readonly window: LayerWindow;
  /** All layers are in the window. */
  readonly whole: boolean;
  readonly overview: { readonly y: number; readonly height: number } | undefined;
  readonly left: number;
  readonly rightEdge: number;
  /** Pixels from layer to layer, and of them between two. */
  readonly pitch: number;
  readonly gap: number;
  /** Cells are cut into tokens. */
  readonly tokens: boolean;
  readonly top: number;
  readonly bottom: number;
  readonly rows: readonly { readonly y: number; readonly height: number }[];
  readonly groups: readonly { readonly group: Group; readonly y0: number; readonly y1: number }[];
  readonly strips: readonly { readonly stage: StageId; readonly y: number }[];
  /** The left edge of a layer, by its index. */
  x(layer: number): number;
}

/** The size with which all rows fit into `tallest`; where they do as it is, the size itself. */
function fitted(size: MapSize, { rows }: MapData): MapSize {
  if (size.tallest === undefined) return size;
  const headlines = rows.filter((row) => row.headline).length;
  const plain = rows.length - headlines;
  const gaps = new Set(rows.map((row) => row.group)).size - 1;
  const around = (of: Pick<MapSize, 'headline' | 'groupGap'>): number => headlines * of.headline + gaps * of.groupGap;
  if (plain * size.row + around(size) <= size.tallest) return size;
  // A drawing without strips has nothing to take from.
  const dense: MapSize = size.strip > 0 && size.names ? { ...size, ...DENSE } : size;
  const strips = MOST_STRIPS * (size.strip + size.stripGap - dense.strip - dense.stripGap);
  const room = size.tallest + Math.max(0, strips) - around(dense);
  return { ...dense, row: Math.max(THINNEST, Math.min(size.row, room / plain)) };
}

export function mapLayout(data: MapData, width: number, wish: MapSize, zoom?: LayerWindow): MapLayout {
  const size = fitted(wish, data);
  const n = data.layers.length;
  const window = windowOf(zoom, n);
  const whole = window.from === 0 && window.to === n;
  // A run under way has no head yet: its place is kept, so that no column moves when it comes.
  const after = data.view.verdict === undefined ? Math.max(HEAD_STAGES, data.after.length) : data.after.length;
  const bookends = after * (size.bookend + 2);
  const left = size.gutter + (window.from === 0 ? data.before.length * (size.bookend + 6) : 0);
  const rightEdge = width - (window.to === n ? size.right + bookends + 4 : Math.max(size.right, size.names ? 56 : 6));
  const pitch = Math.max(1, rightEdge - left) / Math.max(1, window.to - window.from);
  const positions = data.view.positions.length;
  const tokens =
    pitch / Math.max(1, positions) >= TOKEN_PIXELS &&
    data.rows.some(({ stage }) => hasPositions(data.row(data.measure.basis, stage, data.layers[0]), data.measure.unit));
  const gap = tokens ? Math.min(6, pitch * 0.06) : pitch >= 8 ? 1 : 0;
  const overview = (!whole || n >= MANY_LAYERS) && size.strip > 0 ? { y: 2, height: 6 } : undefined;
  const top = (overview === undefined ? 0 : OVERVIEW) + (data.first === undefined ? NO_CALLOUT : size.top);
  let y = top;
  const rows: { y: number; height: number }[] = [];
  const groups: { group: Group; y0: number; y1: number }[] = [];
  for (const group of GROUPS) {
    const y0 = y;
    for (const row of data.rows) {
      if (row.group !== group) continue;
      const height = row.headline ? size.headline : size.row;
      rows.push({ y, height });
      y += height;
    }
    if (y === y0) continue;
    groups.push({ group, y0, y1: y });
    y += size.groupGap;
  }
  const bottom = y - (groups.length === 0 ? 0 : size.groupGap);
  y = bottom + AXIS;
  const strips: { stage: StageId; y: number }[] = [];
  if (size.strip > 0) {
    for (const stage of stripStages(data)) {
      strips.push({ stage, y });
      y += size.strip + size.stripGap;
    }
  }
  return {
    size,
    width,
    height: y,
    window,
    whole,
    overview,
    left,
    rightEdge,
    pitch,
    gap,
    tokens,
    top,
    bottom,
    rows,
    groups,
    strips,
    x: (layer) => left + (layer - window.from) * pitch,
  };
}

/** At least this many layers stay in sight. */
export const FEWEST_LAYERS = 6;

/** The window within the layers there are; all of them without a wish. */
export function windowOf(zoom: LayerWindow | undefined, n: number): LayerWindow {
  if (zoom === undefined) return { from: 0, to: n };
  const length = Math.min(n, Math.max(FEWEST_LAYERS, zoom.to - zoom.from));
  const from = Math.max(0, Math.min(n - length, zoom.from));
  return { from, to: from + length };
}

/** The culprit's stage where it is no headline, then the headlines. */
function stripStages(data: MapData): readonly StageId[] {
  const headlines = data.rows.filter((row) => row.headline).map((row) => row.stage);
  const culprit = data.first?.stage;
  const isRow = data.rows.some((row) => row.stage === culprit);
  return culprit !== undefined && isRow && !headlines.includes(culprit) ? [culprit, ...headlines] : headlines;
}

/** A place of the map. `position` is a prompt position, where cells are cut into tokens. */
export interface MapPlace {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly position: number | undefined;
}

/** What lies at a point of the drawing: a cell, a bookend, or a strip's layer. */
export function mapPlaceAt(data: MapData, layout: MapLayout, x: number, y: number): MapPlace | undefined {
  const { size, left, rightEdge, pitch, gap, window, top, bottom } = layout;
  if (y >= top && y < bottom) {
    if (x >= size.gutter && x < left - 6 && layout.window.from === 0) {
      const row = data.before[Math.floor((x - size.gutter) / (size.bookend + 6))];
      if (row !== undefined) return { layer: undefined, stage: row.stage, position: undefined };
    }
    if (x >= rightEdge + 6 && layout.window.to === data.layers.length) {
      const row = data.after[Math.floor((x - rightEdge - 6) / (size.bookend + 2))];
      if (row !== undefined) return { layer: undefined, stage: row.stage, position: undefined };
    }
  }
  const at = Math.floor((x - left) / pitch);
  if (at < 0 || at >= window.to - window.from) return undefined;
  const layer = data.layers[window.from + at];
  if (layer === undefined) return undefined;
  const row = layout.rows.findIndex((r) => y >= r.y && y < r.y + r.height);
  const stage = data.rows[row]?.stage;
  if (stage !== undefined) {
    if (!layout.tokens) return { layer, stage, position: undefined };
    const positions = data.view.positions;
    const within = (x - left - at * pitch) / (pitch - gap);
    return { layer, stage, position: positions[Math.min(positions.length - 1, Math.floor(within * positions.length))] };
  }
  const strip = layout.strips.find((s) => y >= s.y && y < s.y + size.strip);
  return strip === undefined ? undefined : { layer, stage: strip.stage, position: undefined };
}
