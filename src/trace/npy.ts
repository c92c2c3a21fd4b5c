import { ARRAY_TYPES, isArrayType, isPlain, type StoredArray } from './array-types';
import { formatError } from './format-error';

/** An array of a `.npy` file, C order. Typed arrays keep the file's bits (f4: NaN payloads included). */
export type NpyArray = {
  readonly shape: readonly number[];
} & (
  | { readonly type: 'f4'; readonly data: Float32Array }
  | { readonly type: 'f8'; readonly data: Float64Array<ArrayBuffer> }
  | { readonly type: 'i4'; readonly data: Int32Array<ArrayBuffer> }
  | { readonly type: 'u4'; readonly data: Uint32Array }
  | { readonly type: 'i8'; readonly data: BigInt64Array<ArrayBuffer> }
);

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
/** The header is padded so that data start at a multiple of this. */
const ALIGNMENT = 64;
/** NumPy's own limit is 64. */
const MAX_AXES = 64;
const OWN_TYPES = ['f4', 'f8', 'i4', 'u4', 'i8'] as const satisfies readonly NpyArray['type'][];

/** Writes a `.npy` file, format 1.0. */
export function encodeNpy(array: NpyArray): Uint8Array<ArrayBuffer> {
  const dims = array.shape.length === 1 ? `${array.shape[0] ?? 0},` : array.shape.join(', ');
  const dictionary = `{'descr': '<${array.type}', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = Math.ceil((10 + dictionary.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${dictionary.padEnd(start - 11)}\n`;
  const bytes = new Uint8Array(start + array.data.byteLength);
  bytes.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength), start);
  return bytes;
}

/**
 * Reads a `.npy` file of little-endian f4, f8, i4, u4 or i8 in C order; its elements become an array of their own.
 * @throws TracerError as {@link openNpy}
 */
export function decodeNpy(bytes: Uint8Array, place: string): NpyArray {
  const file = openNpy(bytes, place);
  const type = OWN_TYPES.find((own) => own === file.type);
  if (type === undefined || !isPlain(file)) {
    throw formatError(
      `${place}, type`,
      `${OWN_TYPES.map((t) => `<${t}`).join(', ')} in C order`,
      `${file.bigEndian ? '>' : '<'}${file.type}${file.columnMajor ? ', Fortran order' : ''}`,
    );
  }
  return typed(type, file.shape, new Uint8Array(file.bytes).buffer);
}

/** A checked `.npy` file whose elements still lie in it. */
export type NpyFile = StoredArray;

/**
 * Reads the header of a `.npy` file of numbers: floating point of 2, 4 or 8 bytes, bfloat16 (`V2`), integers of 1 to 8 bytes, of either
 * byte order and either order of axes. Copies nothing.
 * @throws TracerError `trace-format` with `place` in it: another kind of file, type or order, or not the bytes that the shape asks for.
 */
export function openNpy(bytes: Uint8Array, place: string): StoredArray {
  if (bytes.length < 12 || MAGIC.some((m, i) => bytes[i] !== m))
    throw formatError(place, 'a .npy file', 'another beginning');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWide = (bytes[6] ?? 0) >= 2;
  const headerAt = isWide ? 12 : 10;
  const start = headerAt + (isWide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > bytes.length) throw formatError(place, `a header of ${start} bytes`, `${bytes.length} bytes`);
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerAt, start));

  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(header)?.[1] ?? 'none';
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /['"]shape['"]\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (order === undefined || dims === undefined)
    throw formatError(`${place}, header`, 'order and shape', header.trim());
  // ml_dtypes writes bfloat16 as a type of no kind, of two bytes.
  const type = descr === 'bfloat16' ? 'V2' : descr.replace(/^[<>|=]/, '');
  if (!isArrayType(type))
    throw formatError(
      `${place}, type`,
      Object.keys(ARRAY_TYPES).join(', '),
      descr,
      'Save it as float32 (expert ids as int32).',
    );
  const shape = dims
    .split(',')
    .map((d) => d.trim())
    .filter((d) => d !== '')
    .map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  const expected = count * ARRAY_TYPES[type].bytes;
  if (expected !== bytes.length - start) {
    throw formatError(`${place}, data`, `${expected} bytes for shape [${shape.join(', ')}]`, `${bytes.length - start}`);
  }
  // Without elements any axis would do: readers make a list of positions as long as one of them.
  const longest = Math.max(0, ...shape.slice(0, MAX_AXES));
  if (shape.length > MAX_AXES || longest > bytes.length) {
    throw formatError(`${place}, shape`, `at most ${MAX_AXES} axes that fit in the file`, `[${dims}]`);
  }
  return {
    type,
    shape,
    count,
    bytes: bytes.subarray(start),
    bigEndian: descr.startsWith('>'),
    columnMajor: order === 'True',
  };
}

function typed(type: NpyArray['type'], shape: readonly number[], buffer: ArrayBuffer): NpyArray {
  switch (type) {
    case 'f8':
      return { type, shape, data: new Float64Array(buffer) };
    case 'i4':
      return { type, shape, data: new Int32Array(buffer) };
    case 'u4':
      return { type, shape, data: new Uint32Array(buffer) };
    case 'i8':
      return { type, shape, data: new BigInt64Array(buffer) };
    default:
      return { type: 'f4', shape, data: new Float32Array(buffer) };
  }
}
