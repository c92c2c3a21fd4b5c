import { aboveLimit, malformed, need, readCount, readU32, type Cursor } from './cursor';
import { GGUF_LIMITS } from './limits';
import { NumbersAt, type ParsedArray, type ParsedValue } from './number-arrays';
import { readString, readStrings } from './read-strings';
import { valueTypeById, type ValueType } from './value-types';

/** Bytes of the smallest string, array: what a count is checked with. */
const MIN_STRING_BYTES = 8;
const MIN_ARRAY_BYTES = 12;

/**
 * One metadata value: u32 type, then the value; numbers of an array stay where they are. `key` is for errors.
 * @throws TracerError `gguf-malformed`, `gguf-truncated`, `gguf-limit`.
 */
export function readValue(cursor: Cursor, key: string): ParsedValue {
  const what = `metadata key ${key}`;
  const type = readValueType(cursor, what);
  switch (type) {
    case 'string':
      return readString(cursor, what);
    case 'array':
      return readArray(cursor, what, 1, { left: GGUF_LIMITS.nestedArrayElements });
    default:
      return readScalar(cursor, type, what);
  }
}

function readValueType(cursor: Cursor, what: string): ValueType {
  const id = readU32(cursor, what);
  const type = valueTypeById(id);
  if (type === undefined) throw malformed(cursor, `${what} has the unknown value type ${id}.`, { what, type: id });
  return type.name;
}

function readScalar(
  cursor: Cursor,
  type: Exclude<ValueType, 'string' | 'array'>,
  what: string,
): number | bigint | boolean {
  const bytes = SCALAR_BYTES[type];
  need(cursor, bytes, what);
  const { view, position } = cursor;
  cursor.position += bytes;
  switch (type) {
    case 'uint8':
      return view.getUint8(position);
    case 'int8':
      return view.getInt8(position);
    case 'uint16':
      return view.getUint16(position, true);
    case 'int16':
      return view.getInt16(position, true);
    case 'uint32':
      return view.getUint32(position, true);
    case 'int32':
      return view.getInt32(position, true);
    case 'float32':
      return view.getFloat32(position, true);
    case 'float64':
      return view.getFloat64(position, true);
    case 'uint64':
      return numberIfExact(view.getBigUint64(position, true));
    case 'int64':
      return numberIfExact(view.getBigInt64(position, true));
    case 'bool':
      return readBool(cursor, view.getUint8(position), what);
  }
}

const SCALAR_BYTES = {
  uint8: 1,
  int8: 1,
  bool: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
} as const satisfies Record<Exclude<ValueType, 'string' | 'array'>, number>;

function numberIfExact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readBool(cursor: Cursor, byte: number, what: string): boolean {
  if (byte > 1) throw malformed(cursor, `${what} is a bool with the byte ${byte}; only 0 and 1 are allowed.`, { what });
  return byte === 1;
}

/** An array: u32 element type, u64 count, elements. `nested.left`: elements that arrays of arrays may still have in this value. */
function readArray(cursor: Cursor, what: string, depth: number, nested: { left: number }): ParsedArray {
  if (depth > GGUF_LIMITS.arrayDepth) throw aboveLimit(cursor, `the nesting of arrays in ${what}`, 'arrayDepth', depth);
  const type = readValueType(cursor, what);
  const minBytes = type === 'string' ? MIN_STRING_BYTES : type === 'array' ? MIN_ARRAY_BYTES : SCALAR_BYTES[type];
  const count = readCount(cursor, `the array length of ${what}`, 'arrayElements', minBytes);
  if (type === 'string') return readStrings(cursor, count, what);
  if (type === 'array') {
    nested.left -= count;
    if (nested.left < 0) throw aboveLimit(cursor, `the number of arrays in ${what}`, 'nestedArrayElements', count);
    return Array.from({ length: count }, () => readArray(cursor, what, depth + 1, nested));
  }
  need(cursor, count * minBytes, what);
  const start = cursor.position;
  cursor.position += count * minBytes;
  if (type !== 'bool') return new NumbersAt(type, start, count);
  return Array.from(cursor.bytes.subarray(start, cursor.position), (byte) => readBool(cursor, byte, what));
}
