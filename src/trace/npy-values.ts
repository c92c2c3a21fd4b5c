import { ARRAY_TYPES, eachElement, isPlain, type StoredArray } from './array-types';
import { formatError } from './format-error';
import { expertId, expertIds } from './stage-layout';

/**
 * The elements as f32, C order: f4 keeps its bits, the others become the nearest f32. No memory but theirs is asked for.
 * @param out where they go
 * @throws TracerError `trace-format` where they are integers
 */
export function npyFloats(
  array: StoredArray,
  place: string,
  out = new Float32Array(array.count),
): Float32Array<ArrayBuffer> {
  const { type } = array;
  if (ARRAY_TYPES[type].kind !== 'float') {
    throw formatError(
      `${place}, type`,
      'floating-point numbers',
      type,
      type === 'u2' || type === 'i2'
        ? 'If these are the bits of bfloat16, save them as float32: NumPy has no name for them, and whole numbers are not guessed to be something else.'
        : 'Save it as float32.',
    );
  }
  if (type === 'f4' && isPlain(array)) {
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(array.bytes);
    return out;
  }
  eachElement(array, (i, value) => {
    out[i] = value;
  });
  return out;
}

/** The elements as expert ids, C order. @throws TracerError `trace-format` at the first that is none */
export function npyIds(array: StoredArray, place: string): Uint32Array<ArrayBuffer> {
  const { type, count, bytes } = array;
  if ((type === 'u4' || type === 'i4' || type === 'f4') && isPlain(array)) {
    // Within the memory of a copy.
    const { buffer } = new Uint8Array(bytes);
    const ids = new Uint32Array(buffer);
    if (type === 'u4') return ids;
    return expertIds(type === 'i4' ? new Int32Array(buffer) : new Float32Array(buffer), place, ids);
  }
  const ids = new Uint32Array(count);
  eachElement(array, (i, value) => {
    ids[i] = expertId(value, i, place);
  });
  return ids;
}
