import { fail, toErrorData, TracerError } from '../base/errors';
import type { ByteSource } from './byte-source';
import { isGguf, MAGIC_BYTES } from './magic';
import type { ModelFile, TensorInfo } from './model-file';
import { modelOver } from './model-over';
import { orderParts, splitCount, type Part } from './order-parts';
import { parseHeader } from './reader';
import { pieceName } from './split-names';

/**
 * Opens a model: one file, or all parts of a split model in any order. Reads and checks every header, no tensor data. The model owns the
 * sources from then on; when opening fails they are closed.
 * @param report told what is wrong with a model whose headers can be read, instead of an error: one to be looked at, not to be run
 * @throws TracerError as `parseHeader`, and `gguf-split` when the files are not exactly the parts of one model.
 */
export async function openModel(
  sources: readonly ByteSource[],
  signal?: AbortSignal,
  report?: (error: Error) => void,
): Promise<ModelFile> {
  try {
    const parts = await Promise.all(
      sources.map(async (source): Promise<Part> => ({
        source,
        header: await parseHeader(source, signal, report).catch((error: unknown) => throwPiece(error, source.name)),
      })),
    );
    return modelOf(await ordered(parts, signal, report));
  } catch (error) {
    await Promise.allSettled(sources.map((source) => source.close()));
    throw error;
  }
}

/** A piece of a file has no whole header, or ends before the data do: who has one has the others too. */
function throwPiece(error: unknown, name: string): never {
  const { code, message, detail } = toErrorData(error);
  const piece = code === 'gguf-not-gguf' || code === 'gguf-truncated' ? pieceName(name) : undefined;
  if (piece === undefined) throw error;
  throw fail(
    code,
    `${message} Its name is that of a piece of ${piece.whole}.`,
    `Join all pieces in their order (cat ${piece.pattern} > ${piece.whole}) and open the whole file.`,
    { ...detail },
    error,
  );
}

async function ordered(
  parts: readonly Part[],
  signal: AbortSignal | undefined,
  report: ((error: Error) => void) | undefined,
): Promise<readonly Part[]> {
  try {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && splitCount(only) > 1) await checkNotJoined(only, signal);
    return orderParts(parts);
  } catch (error) {
    if (report === undefined || !(error instanceof TracerError)) throw error;
    report(error);
    return parts;
  }
}

/** @throws TracerError `gguf-split` where another GGUF begins behind the data of a part */
async function checkNotJoined({ source, header }: Part, signal: AbortSignal | undefined): Promise<void> {
  const { dataStart, alignment, tensors } = header;
  const end = dataStart + tensors.reduce((most, tensor) => Math.max(most, tensor.relativeOffset + tensor.bytes), 0);
  const next = Math.ceil(end / alignment) * alignment;
  if (next + MAGIC_BYTES > source.size) return;
  const start = await source.read(next, MAGIC_BYTES, signal);
  if (!isGguf(start)) return;
  throw fail(
    'gguf-split',
    `${source.name} is parts of a split model joined with cat: another GGUF begins at byte ${next}.`,
    'Parts that gguf-split makes are files of their own. Open the parts as they were downloaded, or join them with gguf-split --merge.',
    { file: source.name, offset: next },
  );
}

function modelOf(parts: readonly Part[]): ModelFile {
  const first = parts[0];
  if (first === undefined) throw new RangeError('a model has at least one part');
  const { header } = first;
  const sources = parts.map((part) => part.source);
  return modelOver(
    {
      name: first.source.name,
      version: header.version,
      bytes: sources.reduce((sum, source) => sum + source.size, 0),
      headerBytes: header.length,
      headerSha256: header.sha256,
      metadata: header.metadata,
      tensors: collectTensors(parts),
      descriptors: sources.map((source) => source.descriptor),
    },
    sources,
    parts.reduce((sum, part) => sum + part.header.bytesRead, 0),
  );
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
