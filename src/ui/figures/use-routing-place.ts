import type { RefObject } from 'react';
import type { Place } from '../../plots/select-walk';
import { routingLayer } from '../../plots/select-routing';
import { routingIndex } from '../../plots/trace-index';
import type { TraceView } from '../../plots/trace-view';
import { useFollowed } from '../use-app';

export interface RoutingPlace {
  /** The layer that was chosen, or the one worth a look first. */
  readonly layer: number | undefined;
  /** The token in hand, or the first whose choices were captured in the layer. */
  readonly position: number | undefined;
  readonly place: Place | undefined;
}

/** Where a routing figure stands; see `useFollowed`. */
export function useRoutingPlace(view: TraceView, figure: RefObject<HTMLElement | null>): RoutingPlace {
  const { place, selection } = useFollowed(figure);
  const layer = selection?.layer ?? routingLayer(view);
  const rows = layer === undefined ? [] : routingIndex(view.routing).layer(layer);
  const position = rows.some((row) => row.position === place?.position) ? place?.position : rows[0]?.position;
  return { layer, position, place };
}
