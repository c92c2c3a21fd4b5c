import type { QuantType } from '../../gguf/ggml-types';
import type { WeightRole } from '../../model/stages';

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
