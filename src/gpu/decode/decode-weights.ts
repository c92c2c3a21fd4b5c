import type { BoundGraph, BoundWeight } from '../../arch/bind';
import type { QuantType } from '../../gguf/ggml-types';
import type { WeightRole } from '../../model/stages';
import type { WeightPlaces } from '../weights/resident-weights';

/** Whole rows of a matrix in one buffer, from its first byte on, in the layout of `matmul/`. */
export interface WeightTile {
  readonly buffer: GPUBuffer;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix, or the experts' matrices one after another. Tiles cut between experts. */
export interface DecodeMatrix {
  readonly type: QuantType;
  readonly tiles: readonly WeightTile[];
}

/** All weights of a model on the GPU. */
export interface DecodeWeights {
  matrix(role: WeightRole, layer?: number): DecodeMatrix;
  /** f32. */
  vector(role: WeightRole, layer?: number): GPUBuffer;
  /** q, k and v of a layer, in this order, as they lie: neighbours of one type may share a buffer. Absent: each in its own, from its first byte on. */
  qkv?(layer: number): readonly { readonly type: QuantType; readonly buffer: GPUBuffer; readonly rows: number }[];
}

/** The weights of a graph as the decoder asks for them. */
export function decodeWeights({ graph, weight }: BoundGraph, places: WeightPlaces): DecodeWeights {
  const { layers, embed, head } = graph;
  const found = (role: WeightRole, layer: number | undefined): BoundWeight => {
    const sections = layer === undefined ? [embed, head] : layers.slice(layer, layer + 1);
    const slots = sections.flatMap(({ nodes }) => nodes.flatMap(({ weights }) => weights));
    const slot = slots.find((one) => one.role === role);
    if (slot === undefined) throw new RangeError(`no weight ${role}`);
    return weight(slot);
  };
  return {
    matrix: (role, layer) => places.matrix(found(role, layer)),
    vector: (role, layer) => places.vector(found(role, layer)),
    qkv(layer) {
      const rest = (['attn_q', 'attn_k', 'attn_v'] as const).map((role) => found(role, layer));
      const stacks: { type: QuantType; buffer: GPUBuffer; rows: number }[] = [];
      while (rest.length > 0) {
        const stack = places.stack(rest);
        if (stack === undefined) {
          const [alone] = rest.splice(0, 1);
          const { type, tiles } = alone === undefined ? { type: 'F32' as const, tiles: [] } : places.matrix(alone);
          stacks.push(...tiles.map(({ buffer, rows }) => ({ type, buffer, rows })));
        } else {
          stacks.push({ ...stack, rows: stack.rows.reduce((a, b) => a + b, 0) });
          rest.splice(0, stack.rows.length);
        }
      }
      return stacks;
    },
  };
}
