import { throwIfAborted } from '../../base/abort';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import { repackRows } from '../matmul/repack';
import { gpuRowWords } from '../matmul/weight-layout';
import type { WeightPart } from './weight-part';

/** Bytes of a tensor that JavaScript holds at once: one slice in hand, the next one being read. */
const SLICE_BYTES = 4 * 2 ** 20;

export interface UploadOptions {
  readonly model: Pick<ModelFile, 'readTensor'>;
  readonly queue: GPUQueue;
  readonly onRead: (tensor: string, bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads a part from the file, slice by slice, and writes it to a buffer in the form that the kernels read.
 * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`.
 */
export async function uploadPart(
  part: WeightPart,
  buffer: GPUBuffer,
  offset: number,
  options: UploadOptions,
): Promise<void> {
  const { model, queue, onRead, signal } = options;
  const { tensor, nIn } = part;
  const fileRow = rowBytes(tensor.type, nIn);
  const gpuRow = 4 * gpuRowWords(tensor.type, nIn);
  const step = Math.max(1, Math.floor(SLICE_BYTES / fileRow));
  const read = (row: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = Math.min(step, part.nRows - row) * fileRow;
    const slice = model.readTensor(tensor, (part.firstRow + row) * fileRow, bytes, signal);
    // A slice read ahead is awaited a turn later; its failure must not count as unhandled until then.
    slice.catch(() => undefined);
    return slice;
  };
  let next = read(0);
  for (let row = 0; row < part.nRows; row += step) {
    const bytes = await next;
    throwIfAborted(signal);
    if (row + step < part.nRows) next = read(row + step);
    onRead(tensor.name, bytes.length);
    if (part.form === 'vector') queue.writeBuffer(buffer, offset, vectorOf(part, bytes));
    else {
      const words = repackRows(tensor.type, bytes, bytes.length / fileRow, nIn);
      queue.writeBuffer(buffer, offset + row * gpuRow, words);
    }
  }
}

/** A norm's weights as f32, whatever their type. */
function vectorOf(part: WeightPart, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const out = new Float32Array(part.nIn);
  dequantizeRows(part.tensor.type, bytes, 0, out, 0, part.nIn);
  return out;
}
