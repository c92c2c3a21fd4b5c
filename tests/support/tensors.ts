import { rowBytes, type QuantType } from '../../src/gguf/ggml-types';
import type { WeightTensor } from '../../src/gguf/tensor-rows';

/** A tensor of no file. */
export function tensorOf(name: string, dims: readonly number[], type: QuantType): WeightTensor {
  const [nIn = 1] = dims;
  const elements = dims.reduce((product, dim) => product * dim, 1);
  return { name, dims, type, elements, bytes: (elements / nIn) * rowBytes(type, nIn), part: 0, offset: 0 };
}
