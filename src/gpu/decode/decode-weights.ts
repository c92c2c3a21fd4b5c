import { isPlain, type BoundGraph, type BoundWeight } from '../../arch/bind';
import type { WeightSlot } from '../../arch/graph';
import type { MatrixLayout, StackLayout, TileRows, WeightLayouts } from '../../fusions/weights';
import type { WeightPlaces } from '../weights/resident-weights';

/** Whole rows of a matrix in one buffer, from its first byte on, in the layout of `matmul/`. */
export interface WeightTile extends TileRows {
  readonly buffer: GPUBuffer;
}

/** A matrix, or the experts' matrices one after another. */
export interface DecodeMatrix extends MatrixLayout {
  readonly tiles: readonly WeightTile[];
}

export interface DecodeStack extends StackLayout {
  readonly buffer: GPUBuffer;
}

/** All weights of a model on the GPU. */
export interface DecodeWeights extends WeightLayouts {
  matrix(slot: WeightSlot): DecodeMatrix;
  /** f32. */
  vector(slot: WeightSlot): GPUBuffer;
  stacks(slots: readonly WeightSlot[]): readonly DecodeStack[];
}

/** The weights of a graph as the decoder asks for them. */
export function decodeWeights({ weight }: BoundGraph, places: WeightPlaces): DecodeWeights {
  const matrix = (slot: WeightSlot): DecodeMatrix => {
    const bound = weight(slot);
    return { ...places.matrix(bound), unfit: unfitOf(bound) };
  };
  return {
    matrix,
    vector: (slot) => places.vector(weight(slot)),
    stacks(slots) {
      const stacks: DecodeStack[] = [];
      for (let at = 0; at < slots.length;) {
        const rest = slots.slice(at);
        const stack = places.stack(rest.map(weight));
        stacks.push(
          ...(stack === undefined
            ? rest.slice(0, 1).flatMap((slot) => alone(matrix(slot)))
            : [{ ...stack, rows: stack.rows.reduce((a, b) => a + b, 0) }]),
        );
        at += stack?.rows.length ?? 1;
      }
      return stacks;
    },
  };
}

/** A matrix of its own, in as many buffers as it takes. */
export function alone({ type, tiles }: DecodeMatrix): readonly DecodeStack[] {
  return tiles.map(({ buffer, rows }) => ({ type, buffer, rows }));
}

/** What keeps a weight from the fused kernels: they multiply all rows of a tensor, and nothing follows the products. */
function unfitOf(weight: BoundWeight): string | undefined {
  if (isPlain(weight)) return undefined;
  if (weight.scale !== undefined) return `is scaled by ${weight.scale.vector.tensor.name}`;
  if (weight.bias !== undefined) return `has the bias ${weight.bias.vector.tensor.name}`;
  return `is a part of ${weight.tensor.name}`;
}
