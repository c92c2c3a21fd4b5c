import type { MapLayout } from '../map/layout';

/** The map's columns, for figures below it that share them. */
export interface Columns {
  readonly width: number;
  readonly gutter: number;
  readonly left: number;
  readonly right: number;
  readonly pitch: number;
  readonly gap: number;
  readonly from: number;
  readonly to: number;
  x(layer: number): number;
}

export function columnsOf(layout: MapLayout): Columns {
  return {
    width: layout.width,
    gutter: layout.size.gutter,
    left: layout.left,
    right: layout.rightEdge,
    pitch: layout.pitch,
    // A column of its own: what cuts the map's cells into tokens is no gap here.
    gap: layout.pitch >= 8 ? Math.max(1, layout.gap) : 0,
    from: layout.window.from,
    to: layout.window.to,
    x: (layer) => layout.x(layer),
  };
}
