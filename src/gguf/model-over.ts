import { fail } from '../base/errors';
import type { ByteSource, SourceDescriptor } from './byte-source';
import { dequantizeRows } from './dequant/dequantisers';
import { isQuantType } from './ggml-types';
import type { ModelFile, TensorInfo } from './model-file';
import { changed } from './range';

/** What a model's headers say. */
export type ModelHeaders = Omit<ModelFile, 'bytesRead' | 'readTensor' | 'close'>;

/** What another thread needs to read the same tensors, without the vocabulary. Structured-cloneable. */
export type ModelOutline = Omit<ModelHeaders, 'metadata'>;

/** What another thread opens the same model by. */
export function outlineOf(model: ModelFile): ModelOutline {
  const { name, version, bytes, headerBytes, headerSha256, tensors, descriptors } = model;
  return { name, version, bytes, headerBytes, headerSha256, tensors, descriptors };
}

/** Opens a source in this thread. */
export type OpenSource = (descriptor: SourceDescriptor) => Promise<ByteSource>;

/** Opens a model in another thread than the one that read its headers. @throws TracerError of the sources; `source-changed` */
export async function openOutline(outline: ModelOutline, openSource: OpenSource): Promise<ModelFile> {
  const sources = await Promise.all(outline.descriptors.map(openSource));
  const bytes = sources.reduce((sum, source) => sum + source.size, 0);
  if (bytes !== outline.bytes)
    throw changed(outline.name, `its size was ${outline.bytes} and is ${bytes}`, {
      expected: outline.bytes,
      actual: bytes,
    });
  return modelOver({ ...outline, metadata: new Map() }, sources);
}

/** Whether other threads may read a model by themselves: from a server each would fetch it anew, and memory would be copied. */
export function isNear({ descriptors }: ModelFile): boolean {
  return descriptors.every(({ kind }) => kind === 'path' || kind === 'blob');
}

/**
 * A model over the sources of its parts, which it owns from then on.
 * @param headerBytesRead bytes that reading the headers took
 */
export function modelOver(headers: ModelHeaders, sources: readonly ByteSource[], headerBytesRead = 0): ModelFile {
  let bytesRead = headerBytesRead;

  const readStacked = async (
    all: number,
    stacked: readonly TensorInfo[],
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const size = all / stacked.length;
    const isMixed = stacked.some(({ type }) => type !== stacked[0]?.type);
    const bytes = new Uint8Array(length);
    for (let at = offset; at < offset + length;) {
      const index = Math.floor(at / size);
      const [tensor, from] = [stacked[index], at - index * size];
      if (tensor === undefined) break;
      const wanted = Math.min(size - from, offset + length - at);
      const piece = isMixed
        ? await readAsF32(model, tensor, from, wanted, signal)
        : await model.readTensor(tensor, from, wanted, signal);
      bytes.set(piece, at - offset);
      at += piece.length;
    }
    return bytes;
  };

  const model: ModelFile = {
    ...headers,
    get bytesRead() {
      return bytesRead;
    },
    async readTensor(tensor, offset, length, signal, into) {
      const source = sources[tensor.part];
      const inside =
        Number.isSafeInteger(offset) &&
        Number.isSafeInteger(length) &&
        offset >= 0 &&
        length >= 0 &&
        offset + length <= tensor.bytes;
      if (source === undefined || !inside) {
        throw fail(
          'gguf-truncated',
          `Bytes ${offset} to ${offset + length} were asked of tensor ${tensor.name}, which has ${tensor.bytes}.`,
          'This is a defect in MoEscope. Please report it with the file and the steps.',
          { tensor: tensor.name, offset, length, bytes: tensor.bytes, part: tensor.part },
        );
      }
      if (tensor.stacked !== undefined) return readStacked(tensor.bytes, tensor.stacked, offset, length, signal);
      const bytes = await source.read(tensor.offset + offset, length, signal, into);
      bytesRead += length;
      return bytes;
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
  return model;
}

/** Bytes of a tensor as they would be if its type were F32. */
async function readAsF32(
  model: ModelFile,
  tensor: TensorInfo,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const [nIn = 1] = tensor.dims;
  const rowBytes = (tensor.bytes * nIn) / tensor.elements;
  const first = Math.floor(offset / (4 * nIn));
  const rows = Math.ceil((offset + length) / (4 * nIn)) - first;
  const stored = await model.readTensor(tensor, first * rowBytes, rows * rowBytes, signal);
  const values = new Float32Array(rows * nIn);
  if (!isQuantType(tensor.type)) throw new RangeError(`no rows of ${tensor.type}`);
  dequantizeRows(tensor.type, stored, 0, values, 0, values.length);
  return new Uint8Array(values.buffer, offset - 4 * nIn * first, length);
}
