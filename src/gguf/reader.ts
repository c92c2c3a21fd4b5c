import { throwIfAborted } from '../base/abort';
import { sha256Hex } from '../base/sha256';
import type { ByteSource } from './byte-source';
import { checkLayout, type PlacedTensor } from './check-layout';
import { aboveLimit, cursorAt, malformed, NeedMoreBytes, readCount, type Cursor } from './cursor';
import { DEFAULT_ALIGNMENT, FIRST_READ_BYTES, GGUF_LIMITS, READ_GROWTH } from './limits';
import { checkMagic, MAGIC_BYTES } from './magic';
import type { GgufValue } from './model-file';
import { settleNumbers, type ParsedValue } from './number-arrays';
import { readString } from './read-strings';
import { MIN_TENSOR_INFO_BYTES, readTensorInfo, type TensorEntry } from './read-tensor-info';
import { readValue } from './read-value';

/** Bytes that no metadata entry is shorter than: key length, type, a value of one byte. */
const MIN_ENTRY_BYTES = 8 + 4 + 1;

/** The checked header of one file. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In file order; data inside the file, aligned, without overlap. */
  readonly tensors: readonly PlacedTensor[];
  /** Bytes of the header: magic to the end of the tensor entries. */
  readonly length: number;
  /** SHA-256 (hex) of those bytes. */
  readonly sha256: string;
  /** Where tensor data begin: the end of the header, aligned. */
  readonly dataStart: number;
  readonly alignment: number;
  /** Bytes that were read from the source. */
  readonly bytesRead: number;
}

/** How far parsing has come: everything up to `position` is in the maps. */
interface ParseState {
  version: number;
  nTensors: number;
  nEntries: number;
  position: number;
  readonly metadata: Map<string, ParsedValue>;
  readonly tensors: Map<string, TensorEntry>;
}

/**
 * Reads and checks the header of a GGUF file, version 2 or 3, little-endian. Reads a prefix that grows until the header is complete, and
 * never the tensor data. Nothing is allocated for a count or length before it was checked against {@link GGUF_LIMITS} and the file's size,
 * and all buffers together are never larger than the file.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws TracerError `gguf-not-gguf`, `gguf-version`, `gguf-big-endian`, `gguf-truncated`, `gguf-malformed`, `gguf-limit`, and what
 * {@link ByteSource.read} throws.
 * @param report told that the file ends before its data do, instead of an error
 */
export async function parseHeader(
  source: ByteSource,
  signal?: AbortSignal,
  report?: (error: Error) => void,
): Promise<GgufHeader> {
  let prefix = await source.read(0, Math.min(FIRST_READ_BYTES, source.size), signal);
  const state: ParseState = {
    version: checkMagic(source.name, prefix.subarray(0, MAGIC_BYTES)),
    nTensors: -1,
    nEntries: -1,
    position: MAGIC_BYTES,
    metadata: new Map(),
    tensors: new Map(),
  };
  let bytesRead = prefix.length;
  for (;;) {
    throwIfAborted(signal);
    const missing = parseOn(state, cursorAt(source.name, source.size, prefix, state.position));
    if (missing === undefined) break;
    const wanted = Math.max(missing, prefix.length * READ_GROWTH);
    const length = Math.min(wanted, source.size, GGUF_LIMITS.headerBytes);
    const isRoomy = 2 * length <= source.size;
    bytesRead += isRoomy ? length - prefix.length : length;
    if (isRoomy) {
      prefix = await grow(source, prefix, length, signal);
    } else {
      // What was read, its continuation and both together would be larger than the file: the first goes before all is read once more.
      prefix = prefix.slice(0, 0);
      prefix = await source.read(0, length, signal);
    }
  }
  const alignment = readAlignment(source, state.metadata);
  const dataStart = Math.ceil(state.position / alignment) * alignment;
  const tensors = checkLayout(source, [...state.tensors.values()], dataStart, alignment, report);
  // Before numbers are moved in place.
  const sha256 = await sha256Hex(prefix.subarray(0, state.position));
  return {
    version: state.version,
    metadata: settleNumbers(state.metadata, prefix, source.size),
    tensors,
    length: state.position,
    sha256,
    dataStart,
    alignment,
    bytesRead,
  };
}

/** Parses as far as the prefix goes. Returns undefined when the header is complete, otherwise where the prefix must reach at least. */
function parseOn(state: ParseState, cursor: Cursor): number | undefined {
  try {
    if (state.nTensors < 0) {
      const nTensors = readCount(cursor, 'the number of tensors', 'tensors', MIN_TENSOR_INFO_BYTES);
      state.nEntries = readCount(cursor, 'the number of metadata entries', 'metadataEntries', MIN_ENTRY_BYTES);
      state.nTensors = nTensors;
      state.position = cursor.position;
    }
    while (state.metadata.size < state.nEntries) {
      const [key, value] = readEntry(cursor, state.metadata);
      state.metadata.set(key, value);
      state.position = cursor.position;
    }
    while (state.tensors.size < state.nTensors) {
      const tensor = readTensorInfo(cursor, state.tensors.size);
      if (state.tensors.has(tensor.name)) {
        throw malformed(cursor, `tensor ${tensor.name} is there twice.`, { tensor: tensor.name });
      }
      state.tensors.set(tensor.name, tensor);
      state.position = cursor.position;
    }
    return undefined;
  } catch (error) {
    if (error instanceof NeedMoreBytes) return error.end;
    throw error;
  }
}

function readEntry(cursor: Cursor, earlier: ReadonlyMap<string, ParsedValue>): [string, ParsedValue] {
  const key = readString(cursor, `the name of metadata key ${earlier.size}`, 'keyBytes');
  if (key === '') throw malformed(cursor, `metadata key ${earlier.size} is empty.`, { index: earlier.size });
  if (earlier.has(key)) throw malformed(cursor, `metadata key ${key} is there twice.`, { key });
  return [key, readValue(cursor, key)];
}

/** A longer prefix: reads only what is new. */
async function grow(
  source: ByteSource,
  prefix: Uint8Array<ArrayBuffer>,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const more = await source.read(prefix.length, length - prefix.length, signal);
  const grown = new Uint8Array(length);
  grown.set(prefix);
  grown.set(more, prefix.length);
  return grown;
}

function readAlignment(file: { readonly name: string }, metadata: ReadonlyMap<string, ParsedValue>): number {
  const value = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = typeof value === 'number' && value >= 1 && Number.isInteger(Math.log2(value));
  if (!isPowerOfTwo) {
    const actual = typeof value === 'object' ? 'an array' : String(value);
    throw malformed(file, `metadata key general.alignment is ${actual}; it must be a power of two.`, {
      key: 'general.alignment',
      expected: 'a power of two',
      actual,
    });
  }
  if (value > GGUF_LIMITS.alignment) throw aboveLimit(file, 'metadata key general.alignment', 'alignment', value);
  return value;
}
