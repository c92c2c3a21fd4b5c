import type { QuantType } from '../../gguf/ggml-types';
import type { WeightRole } from '../../model/stages';

/** Whole rows of a matrix in one buffer, in the layout of `matmul/`. */
export interface WeightTile {
  readonly buffer: GPUBuffer;
  /** Bytes ahead of the first row: 0 but where matrices of one type share a buffer. */
  readonly offset: number;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix, or the experts' matrices one after another. Tiles cut between experts. */
export interface ResidentMatrix {
  readonly type: QuantType;
  readonly tiles: readonly WeightTile[];
}

/** Matrices of one type that lie in one buffer as if they were one, from its first byte on. */
export interface Stack {
  readonly type: QuantType;
  readonly buffer: GPUBuffer;
  /** Of all of them. */
  readonly rows: number;
}

/** All weights of a model on the GPU. */
export interface DecodeWeights {
  matrix(role: WeightRole, layer?: number): ResidentMatrix;
  /** `attn_q`, `attn_k`, `attn_v` of a layer in this order, in as few stacks as they lie in. */
  qkv(layer: number): readonly Stack[];
  /** f32. */
  vector(role: WeightRole, layer?: number): GPUBuffer;
}
