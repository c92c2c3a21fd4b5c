import { formatCount } from '../../base/format';
import { stageSpec } from '../../model/stages';
import { svg, type SvgNode } from '../svg';
import { drawRowName } from './draw-frame';
import { humanNumber, plainNumber } from './human-number';
import type { MapLayout, MapPlace } from './layout';
import type { MapData } from './map-types';
import { locationKey } from '../../model/location';
import { label, numberParts } from './text';
import type { MapTheme } from './theme';

/** A rectangle around a cell, or around a bookend. */
function boxOf(data: MapData, layout: MapLayout, place: Pick<MapPlace, 'layer' | 'stage'>): Box | undefined {
  if (place.layer === undefined) {
    const { size, top, bottom, rightEdge } = layout;
    const at = data.before.findIndex((row) => row.stage === place.stage);
    if (at >= 0 && layout.window.from === 0) {
      return { x: size.gutter + at * (size.bookend + 6), y: top, width: size.bookend, height: bottom - top };
    }
    const end = data.after.findIndex((row) => row.stage === place.stage);
    if (end < 0 || layout.window.to !== data.layers.length) return undefined;
    return { x: rightEdge + 6 + end * (size.bookend + 2), y: top, width: size.bookend, height: bottom - top };
  }
  const l = data.layers.indexOf(place.layer);
  const row = layout.rows[data.rows.findIndex(({ stage }) => stage === place.stage)];
  if (row === undefined || l < layout.window.from || l >= layout.window.to) return undefined;
  return { x: layout.x(l), y: row.y, width: layout.pitch - layout.gap, height: row.height };
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The edge of the shadow: up the right side of the culprit's layer to its row, down its left side. Dashed where it stays below the limit. */
export function drawEdge(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { first } = data;
  if (first?.layer === undefined || data.culprits.size === 0 || data.measure.basis === 'free') return [];
  const l = data.layers.indexOf(first.layer);
  const row = layout.rows[data.rows.findIndex(({ stage }) => stage === first.stage)];
  if (row === undefined || l < layout.window.from || l >= layout.window.to) return [];
  const shades = data.layers.slice(l).flatMap((layer) => data.rows.map(({ stage }) => data.shade(stage, layer)));
  const full = shades.includes('full');
  if (!full && !shades.includes('half')) return [];
  const shift = layout.gap / 2 + 0.1;
  const [left, right] = [layout.x(l) - shift, layout.x(l + 1) - shift];
  const y = row.y + row.height - 0.5;
  const d = `M${String(right)} ${String(layout.top - 1)}V${String(y)}H${String(left)}V${String(layout.bottom + 1)}`;
  return [
    svg('path', {
      d,
      fill: 'none',
      stroke: theme.edge,
      'stroke-width': full ? 1.5 : 1,
      'stroke-dasharray': full ? undefined : '3 3',
    }),
  ];
}

/** A ring around every tensor that is wrong by itself, the first one's heavier. */
export function drawRings(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { first } = data;
  const firstKey = first === undefined ? '' : locationKey(first.layer, first.stage);
  const places = [
    ...data.layers.flatMap((layer) => data.rows.map(({ stage }) => ({ layer, stage }))),
    ...[...data.before, ...data.after].map(({ stage }) => ({ layer: undefined, stage })),
  ].filter(({ layer, stage }) => data.culprits.has(locationKey(layer, stage)));
  return places.flatMap((place) => {
    const box = boxOf(data, layout, place);
    if (box === undefined) return [];
    const width = locationKey(place.layer, place.stage) === firstKey ? 2.2 : 1.2;
    return [ring(box, 1.5, theme.ink, width)];
  });
}

function ring({ x, y, width, height }: Box, out: number, stroke: string, weight: number): SvgNode {
  return svg('rect', {
    x: x - out,
    y: y - out,
    width: width + 2 * out,
    height: height - 1 + 2 * out,
    rx: out,
    fill: 'none',
    stroke,
    'stroke-width': weight,
  });
}

/** What is looked at: the pinned place, and under the pointer a hairline through map and strips. Drawn over the map. */
export function drawSelection(
  data: MapData,
  layout: MapLayout,
  theme: MapTheme,
  pinned: MapPlace | undefined,
  hovered: MapPlace | undefined,
): readonly SvgNode[] {
  const nodes: SvgNode[] = [];
  const mark = (place: MapPlace | undefined, colour: string): Box | undefined => {
    const box = place === undefined ? undefined : boxOf(data, layout, place);
    if (box !== undefined) nodes.push(ring(box, 2.5, colour, 1.6));
    return box;
  };
  const box = mark(pinned, theme.focus);
  if (box !== undefined && pinned?.layer !== undefined) {
    const x = box.x + box.width / 2;
    nodes.push(
      svg('line', {
        x1: x,
        x2: x,
        y1: layout.bottom + 1,
        y2: layout.bottom + 5,
        stroke: theme.focus,
        'stroke-width': 2,
      }),
    );
  }
  const over = mark(hovered, theme.ink);
  const inHand = hovered ?? pinned;
  if (inHand !== undefined) nodes.push(...drawRowName(data, layout, theme, inHand.stage));
  if (over !== undefined && hovered?.layer !== undefined) {
    const x = over.x + over.width / 2;
    const y = over.y + over.height / 2;
    nodes.push(
      svg('path', {
        d: `M${String(x)} ${String(layout.top)}V${String(layout.height)}M${String(layout.size.gutter)} ${String(y)}H${String(layout.rightEdge)}`,
        stroke: theme.ink,
        'stroke-opacity': 0.35,
        'stroke-width': 0.8,
        fill: 'none',
      }),
    );
  }
  return nodes;
}

/** The first wrong tensor, called out from above: what and how much. A trace that cannot blame says where the sides part. */
export function drawCallout(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const { first } = data;
  if (first?.layer === undefined) return [];
  const l = data.layers.indexOf(first.layer);
  const row = layout.rows[data.rows.findIndex(({ stage }) => stage === first.stage)];
  if (row === undefined || l < layout.window.from || l >= layout.window.to) return [];
  const { size } = layout;
  const width = layout.pitch - layout.gap;
  const positions = data.view.positions;
  const t = positions.indexOf(first.position);
  const x = layout.x(l) + (layout.tokens && t >= 0 ? ((t + 0.5) / positions.length) * width : width / 2);
  const y = layout.top - 9;
  const word = data.culprits.size > 0 ? 'first wrong' : 'they part';
  const font = size.font > 14 ? size.font : 13;
  const what =
    size.names || size.font > 14
      ? `${word}: layer ${String(first.layer)}, ${stageSpec(first.stage).title}`
      : `${word}: layer ${String(first.layer)}`;
  const much = size.names ? howMuch(data) : [];
  const length = (what.length + textLength(data)) * font * 0.56 + 16;
  const left = x + length > layout.width;
  const look = { fill: theme.ink, size: font, weight: 600, anchor: left ? 'end' : 'start' } as const;
  const dot = size.font > 14 ? 4 : 2.4;
  return [
    svg('line', { x1: x, x2: x, y1: y + 2, y2: row.y - 2, stroke: theme.ink, 'stroke-width': 1.2 }),
    svg('circle', { cx: x, cy: y, r: dot, fill: theme.ink }),
    label(
      size.names || size.font > 14
        ? x + (left ? -8 : 8)
        : Math.max(size.gutter - 30, Math.min(layout.width - 140, x - 60)),
      size.names || size.font > 14 ? y + 1 + (size.font > 14 ? 5 : 0) : y - 6,
      size.names || size.font > 14 ? look : { ...look, anchor: 'start' },
      what,
      much.length === 0 ? undefined : svg('tspan', { dx: 8, fill: theme.wrong }, ...much),
    ),
  ];
}

function textLength(data: MapData): number {
  return howMuch(data).reduce<number>((n, part) => n + (typeof part === 'string' ? part.length : 8), 0);
}

/** `22,800 × its bound`, `328 values are NaN`. */
function howMuch(data: MapData): readonly (string | SvgNode)[] {
  const { first } = data;
  if (first === undefined) return [];
  const row = data.row(first.mode, first.stage, first.layer);
  const nan = row?.nanA ?? 0;
  const infinite = row?.infA ?? 0;
  if (nan + infinite > 0) {
    const n = nan > 0 ? nan : infinite;
    return [`${formatCount(n)} ${n === 1 ? 'value is' : 'values are'} ${nan > 0 ? 'NaN' : 'infinite'}`];
  }
  if (first.mode === 'free') return row?.relL2 === undefined ? [] : [`relative L2 ${plainNumber(row.relL2)}`];
  if (row?.maxRatio === undefined) return [];
  return numberParts(humanNumber(row.maxRatio), ' × its bound').filter((part) => part !== undefined);
}
