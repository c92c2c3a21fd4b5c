import { fail } from '../base/errors';
import type { ByteSource } from './byte-source';
import type { ModelFile, TensorInfo } from './model-file';
import { orderParts, type Part } from './order-parts';
import { parseHeader } from './reader';

/**
 * Opens a model: one file, or all parts of a split model in any order. Reads and checks every header, no tensor data. The model owns the
 * sources from then on; when opening fails they are closed.
 * @throws TracerError as `parseHeader`, and `gguf-split` when the files are not exactly the parts of one model.
 */
export async function openModel(sources: readonly ByteSource[], signal?: AbortSignal): Promise<ModelFile> {
  try {
    const parts = await Promise.all(
      sources.map(async (source): Promise<Part> => ({ source, header: await parseHeader(source, signal) })),
    );
    return modelOf(orderParts(parts));
  } catch (error) {
    await Promise.allSettled(sources.map((source) => source.close()));
    throw error;
  }
}

function modelOf(parts: readonly Part[]): ModelFile {
  const first = parts[0];
  if (first === undefined) throw new RangeError('a model has at least one part');
  const { header } = first;
  const sources = parts.map((part) => part.source);
  const tensors = collectTensors(parts);
  let bytesRead = parts.reduce((sum, part) => sum + part.header.bytesRead, 0);

  const readStacked = async (
    stacked: readonly TensorInfo[],
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const size = stacked[0]?.bytes ?? 1;
    const bytes = new Uint8Array(length);
    for (let at = offset; at < offset + length;) {
      const index = Math.floor(at / size);
      const [tensor, from] = [stacked[index], at - index * size];
      if (tensor === undefined) break;
      const piece = await model.readTensor(tensor, from, Math.min(size - from, offset + length - at), signal);
      bytes.set(piece, at - offset);
      at += piece.length;
    }
    return bytes;
  };

  const model: ModelFile = {
    name: first.source.name,
    version: header.version,
    bytes: sources.reduce((sum, source) => sum + source.size, 0),
    headerBytes: header.length,
    headerSha256: header.sha256,
    metadata: header.metadata,
    tensors,
    descriptors: sources.map((source) => source.descriptor),
    get bytesRead() {
      return bytesRead;
    },
    async readTensor(tensor, offset, length, signal) {
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
      if (tensor.stacked !== undefined) return readStacked(tensor.stacked, offset, length, signal);
      const bytes = await source.read(tensor.offset + offset, length, signal);
      bytesRead += length;
      return bytes;
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
  return model;
}

/** The tensors of all parts, in file order. @throws TracerError `gguf-split` when two parts hold the same tensor. */
function collectTensors(parts: readonly Part[]): ReadonlyMap<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (const [number, { source, header }] of parts.entries()) {
    for (const { name, dims, type, elements, bytes, relativeOffset } of header.tensors) {
      const other = tensors.get(name);
      if (other !== undefined) {
        const otherFile = parts[other.part]?.source.name ?? '';
        throw fail(
          'gguf-split',
          `Tensor ${name} is in ${otherFile} and in ${source.name}.`,
          'The parts belong to different models. Open all parts of one model together.',
          { tensor: name, file: source.name, other: otherFile },
        );
      }
      tensors.set(name, { name, dims, type, elements, bytes, part: number, offset: header.dataStart + relativeOffset });
    }
  }
  return tensors;
}
