import type { BoundWeight } from '../../arch/bind';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';

/** A vector of the file, dequantised, for tables that the CPU makes: read once. */
export type HostFloats = (weight: BoundWeight, signal: AbortSignal | undefined) => Promise<Float32Array<ArrayBuffer>>;

export function keepHostFloats(model: ModelFile, onRead: (tensor: string, bytes: number) => void): HostFloats {
  const kept = new Map<string, Float32Array<ArrayBuffer>>();
  return async ({ tensor, nIn }, signal) => {
    const known = kept.get(tensor.name);
    if (known !== undefined) return known;
    const bytes = rowBytes(tensor.type, nIn);
    const data = await model.readTensor(tensor, 0, bytes, signal);
    onRead(tensor.name, bytes);
    const floats = new Float32Array(nIn);
    dequantizeRows(tensor.type, data, 0, floats, 0, nIn);
    kept.set(tensor.name, floats);
    return floats;
  };
}
