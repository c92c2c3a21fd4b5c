import type { Flip } from '../divergence/report';
import { choiceMarks, flipsOf, type RoutingMark } from './select-routing';
import { routingIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** One layer of a token's way through the model. */
export interface PathStep {
  readonly layer: number;
  readonly marks: readonly RoutingMark[];
  /** The expert with the largest weight, reference first. */
  readonly strongest: number | undefined;
  readonly margin: number | undefined;
  readonly flip: Flip | undefined;
}

/** Which experts one token met, layer by layer. */
export function selectPath(view: TraceView, position: number): readonly PathStep[] {
  const index = routingIndex(view.routing);
  return view.layers.flatMap((layer): PathStep[] => {
    const row = index.layer(layer).find((r) => r.position === position);
    if (row === undefined) return [];
    const choice = row.b ?? row.a;
    return [
      {
        layer,
        marks: choiceMarks(row),
        strongest: choice?.experts[0],
        margin: row.margin,
        flip: flipsOf(view, layer).get(position),
      },
    ];
  });
}
