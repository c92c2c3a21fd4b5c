import { ARRAY_TYPES, type ArrayType, type StoredArray } from './array-types';
import { formatError, shown } from './format-error';
import { elements, index, member, parseJson, text, type Field } from './json-fields';

/** The format's own limit on its header. */
const MAX_HEADER_BYTES = 100e6;
const LENGTH_BYTES = 8;
const MAX_AXES = 64;

/** https://github.com/huggingface/safetensors: element types by their names there. */
const DTYPES: Readonly<Record<string, ArrayType>> = {
  F64: 'f8',
  F32: 'f4',
  F16: 'f2',
  BF16: 'V2',
  I64: 'i8',
  I32: 'i4',
  I16: 'i2',
  I8: 'i1',
  U64: 'u8',
  U32: 'u4',
  U16: 'u2',
  U8: 'u1',
};

/** Whether the bytes begin like a safetensors file: a length that fits, then a JSON object. */
export function isSafetensors(bytes: Uint8Array): boolean {
  const length = headerLength(bytes);
  return length !== undefined && bytes[LENGTH_BYTES] === 0x7b;
}

/**
 * The arrays of a safetensors file by name, in the header's order; their elements stay where they are.
 * @throws TracerError `trace-format` with `place` in it: a header that is no JSON, an element type that is none of a tensor's values, a range outside of
 * the file or not as long as its shape.
 */
export function readSafetensors(bytes: Uint8Array, place: string): ReadonlyMap<string, StoredArray> {
  const length = headerLength(bytes);
  if (length === undefined)
    throw formatError(place, 'a safetensors header that lies in the file', `${bytes.length} bytes`);
  const start = LENGTH_BYTES + length;
  const header = parseJson(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, start)), `${place}, header`);
  if (typeof header.value !== 'object' || header.value === null || Array.isArray(header.value)) {
    throw formatError(header.place, 'an object', shown(header.value));
  }
  const arrays = new Map<string, StoredArray>();
  let claimed = 0;
  for (const name of Object.keys(header.value)) {
    if (name === '__metadata__') continue;
    const array = readEntry(member(header, name), bytes.subarray(start));
    // The format knows no overlaps; a few bytes must not become many tensors.
    claimed += array.bytes.length;
    if (claimed > bytes.length - start)
      throw formatError(`${place}: ${name}`, 'tensors that do not overlap', 'one that does');
    arrays.set(name, array);
  }
  return arrays;
}

function readEntry(entry: Field, data: Uint8Array): StoredArray {
  const dtype = member(entry, 'dtype');
  const type = DTYPES[text(dtype)];
  if (type === undefined) {
    throw formatError(
      dtype.place,
      Object.keys(DTYPES).join(', '),
      shown(dtype.value),
      'Save it as F32 (expert ids as I32).',
    );
  }
  const shape = elements(member(entry, 'shape')).map((axis) => index(axis));
  const offsets = elements(member(entry, 'data_offsets')).map((offset) => index(offset, Number.MAX_SAFE_INTEGER));
  const [from = 0, to = 0] = offsets;
  const count = shape.reduce((a, b) => a * b, 1);
  const expected = count * ARRAY_TYPES[type].bytes;
  if (offsets.length !== 2 || from > to || to > data.length || to - from !== expected || shape.length > MAX_AXES) {
    throw formatError(
      entry.place,
      `${expected} bytes inside the file for shape [${shape.join(', ')}]`,
      `bytes ${from} to ${to} of ${data.length}`,
    );
  }
  // Without elements any axis would do: readers make a list of positions as long as one of them.
  if (shape.some((axis) => axis > data.length))
    throw formatError(entry.place, 'axes that fit in the file', `[${shape.join(', ')}]`);
  return { type, shape, count, bytes: data.subarray(from, to), bigEndian: false, columnMajor: false };
}

function headerLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES + 2) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true));
  return length >= 2 && length <= Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES) ? length : undefined;
}
