import type { GgufArray, GgufValue } from './model-file';
import type { ValueType } from './value-types';

/** Element types that a typed array holds as the file does. */
export type NumberType = Exclude<ValueType, 'string' | 'array' | 'bool'>;

type NumberArray = Extract<GgufArray, ArrayBufferView>;

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
} as const satisfies Record<NumberType, unknown>;

/** Where the numbers of an array lie in the header. What they become is decided when all of it was read. */
export class NumbersAt {
  readonly type: NumberType;
  readonly offset: number;
  readonly count: number;

  constructor(type: NumberType, offset: number, count: number) {
    this.type = type;
    this.offset = offset;
    this.count = count;
  }

  get bytes(): number {
    return this.count * ARRAYS[this.type].BYTES_PER_ELEMENT;
  }
}

/** A value as it was parsed. */
export type ParsedValue = Exclude<GgufValue, GgufArray> | readonly string[] | readonly boolean[] | ParsedArray;
export type ParsedArray = NumbersAt | readonly string[] | readonly boolean[] | readonly ParsedArray[];

/**
 * The values with their numbers in typed arrays: of their own where the file is as large as header and copies together, as every model is;
 * else in place, so that nothing is allocated beyond the file's size. In place the header's bytes change: numbers move down to where a
 * typed array may begin, at most 7 bytes, over their own count.
 * @param header from the first byte of the file
 */
export function settleNumbers(
  parsed: ReadonlyMap<string, ParsedValue>,
  header: Uint8Array<ArrayBuffer>,
  fileSize: number,
): ReadonlyMap<string, GgufValue> {
  let bytes = 0;
  for (const value of parsed.values()) bytes += numberBytes(value);
  const inPlace = header.length + bytes > fileSize;
  return new Map([...parsed].map(([key, value]) => [key, settled(value, header, inPlace)]));
}

function numberBytes(value: ParsedValue): number {
  if (value instanceof NumbersAt) return value.bytes;
  if (!isArrays(value)) return 0;
  return value.reduce((sum, element) => sum + numberBytes(element), 0);
}

function settled(value: ParsedValue, header: Uint8Array<ArrayBuffer>, inPlace: boolean): GgufValue {
  if (typeof value !== 'object') return value;
  return settledArray(value, header, inPlace);
}

function settledArray(value: ParsedArray, header: Uint8Array<ArrayBuffer>, inPlace: boolean): GgufArray {
  if (value instanceof NumbersAt) return numbers(value, header, inPlace);
  return isArrays(value) ? value.map((element) => settledArray(element, header, inPlace)) : value;
}

/** Whether it is an array of arrays. An empty array is the same whatever it is of. */
function isArrays(value: ParsedValue): value is readonly ParsedArray[] {
  return typeof value === 'object' && !(value instanceof NumbersAt) && typeof value[0] === 'object';
}

function numbers(
  { type, offset, count, bytes }: NumbersAt,
  header: Uint8Array<ArrayBuffer>,
  inPlace: boolean,
): NumberArray {
  const Numbers = ARRAYS[type];
  if (!inPlace) return new Numbers(header.slice(offset, offset + bytes).buffer);
  const at = offset - ((header.byteOffset + offset) % Numbers.BYTES_PER_ELEMENT);
  header.copyWithin(at, offset, offset + bytes);
  return new Numbers(header.buffer, header.byteOffset + at, count);
}
