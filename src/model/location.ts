import { isBeforeLayers, stageOrder, stageSpec, type StageId } from './stages';

/** Where a value of the forward pass stands: a stage of one layer, or of the whole model. */
export interface Location {
  /** Undefined for whole-model stages. */
  readonly layer?: number | undefined;
  readonly stage: StageId;
}

/** The one key of a location: `layer-3/moe_router`, or `lm_head` for a whole-model stage. */
export function locationKey(layer: number | undefined, stage: StageId): string {
  return layer === undefined ? stage : `layer-${layer}/${stage}`;
}

/** Forward order of layers: the embedding before layer 0, the head behind the last. */
export function layerOrder({ layer, stage }: Location): number {
  return layer ?? (isBeforeLayers(stage) ? -1 : Infinity);
}

/** Compares two locations by forward order. */
export function forwardOrder(a: Location, b: Location): number {
  const x = layerOrder(a);
  const y = layerOrder(b);
  return x === y ? stageOrder(a.stage) - stageOrder(b.stage) : x - y;
}

/** For people: `Layer 3, MoeRouter`, or `LmHead`. */
export function locationText({ layer, stage }: Location): string {
  const { title } = stageSpec(stage);
  return layer === undefined ? title : `Layer ${layer}, ${title}`;
}
