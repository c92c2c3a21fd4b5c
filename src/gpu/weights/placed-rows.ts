import { rowLength, type TensorRows, type WeightTensor } from '../../gguf/tensor-rows';
import { gpuRowWords } from '../../ops/weight-layout';

/** Rows of a tensor and where they lie on the GPU, or are to lie: whole rows in the layout of `matmul/`; a norm's weights are one row of f32. */
export interface PlacedRows extends TensorRows {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer ahead of the first row; a multiple of 16. 0 but where several share it. */
  readonly offset: number;
}

/** Bytes of rows on the GPU. */
export function gpuBytes({ tensor, rows }: Omit<TensorRows, 'firstRow'>): number {
  return 4 * rows * (isVector(tensor) ? tensor.elements : gpuRowWords(tensor.type, rowLength(tensor)));
}

/** Whether a tensor is a norm's weights, which lie on the GPU as f32, and not a matrix. */
export function isVector(tensor: WeightTensor): boolean {
  return tensor.dims.length === 1;
}
