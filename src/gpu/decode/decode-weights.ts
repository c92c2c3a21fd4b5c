import { isPlain, type BoundGraph, type BoundWeight } from '../../arch/bind';
import type { WeightSlot } from '../../arch/graph';
import type { WeightLayouts } from '../../fusions/weights';
import type { PlacedRows } from '../weights/placed-rows';
import type { WeightPlaces } from '../weights/resident-weights';

/** All weights of a model on the GPU. */
export interface DecodeWeights extends WeightLayouts<PlacedRows> {
  /** f32. */
  vector(slot: WeightSlot): GPUBuffer;
}

/** The weights of a graph as the decoder asks for them. */
export function decodeWeights({ weight }: BoundGraph, places: WeightPlaces): DecodeWeights {
  return {
    matrix: (slot) => places.rows(weight(slot)),
    vector: (slot) => places.vector(weight(slot)),
    unfit: (slot) => unfitOf(weight(slot)),
    stacks(slots) {
      const stacks: (readonly PlacedRows[])[] = [];
      for (let at = 0; at < slots.length;) {
        const rest = slots.slice(at).map(weight);
        const stack = places.stack(rest);
        stacks.push(
          ...(stack.length > 0
            ? [stack]
            : rest.slice(0, 1).flatMap((alone) => places.rows(alone).map((rows) => [rows]))),
        );
        at += Math.max(1, stack.length);
      }
      return stacks;
    },
  };
}

/** What keeps a weight from the fused kernels: they multiply all rows of a tensor, and nothing follows the products. */
function unfitOf(weight: BoundWeight): string | undefined {
  if (isPlain(weight)) return undefined;
  if (weight.scale !== undefined) return `is scaled by ${weight.scale.vector.tensor.name}`;
  if (weight.bias !== undefined) return `has the bias ${weight.bias.vector.tensor.name}`;
  return `is a part of ${weight.tensor.name}`;
}
