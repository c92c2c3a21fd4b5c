import { ROUTER_WEIGHTS } from '../../model/stage-roles';
import { svg, type SvgNode } from '../svg';
import { drawBookends, drawCells, drawFlips } from './draw-cells';
import { drawAxis, drawNames, drawOverview, drawWiring } from './draw-frame';
import { drawCallout, drawEdge, drawRings } from './draw-marks';
import type { MapLayout } from './layout';
import type { MapData } from './map-types';
import { drawReadings, drawStrips } from './strips';
import type { MapTheme } from './theme';

/**
 * The map: layers left to right, stages top to bottom, the machine as its own index. Quiet is right, hot is wrong, the tinted part is the
 * shadow of the first wrong tensor. Every look is an attribute, so that the page, the card and a file show the same drawing.
 */
export function drawMap(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const parts: readonly (readonly [name: string, nodes: readonly SvgNode[]])[] = [
    ['overview', drawOverview(data, layout, theme)],
    ['wiring', drawWiring(data, layout, theme)],
    ['names', drawNames(data, layout, theme)],
    ['bookends', drawBookends(data, layout, theme)],
    ['cells', drawCells(data, layout, theme)],
    ['flips', drawFlips(data, layout, theme, ROUTER_WEIGHTS)],
    ['edge', drawEdge(data, layout, theme)],
    ['rings', drawRings(data, layout, theme)],
    ['callout', drawCallout(data, layout, theme)],
    ['axis', drawAxis(data, layout, theme)],
  ];
  return parts.flatMap(([name, nodes]) => (nodes.length === 0 ? [] : [svg('g', { class: `map-${name}` }, ...nodes)]));
}

/** The strips below it, and the numbers of a layer beside them. */
export function drawMapStrips(
  data: MapData,
  layout: MapLayout,
  theme: MapTheme,
  layer: number | undefined,
): readonly SvgNode[] {
  const numbers = layer === undefined ? [] : drawReadings(data, layout, theme, layer);
  return [svg('g', { class: 'map-strips' }, ...drawStrips(data, layout, theme), ...numbers)];
}
