import { formatError } from './format-error';
import type { NpyFile } from './npy';
import { expertId, expertIds } from './stage-layout';

/**
 * The elements as f32. No memory but theirs is asked for, and never more than the file's: f8 become half as many bytes on the way.
 * @param out where they go
 * @throws TracerError `trace-format` where they are of another type than f4 and f8
 */
export function npyFloats(
  { type, count, bytes }: NpyFile,
  place: string,
  out = new Float32Array(count),
): Float32Array<ArrayBuffer> {
  if (type === 'f4') {
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
    return out;
  }
  if (type !== 'f8') throw formatError(`${place}, type`, '<f4 or <f8', `<${type}`);
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) out[i] = view.getFloat64(8 * i, true);
  return out;
}

/** The elements as expert ids, within the same memory. @throws TracerError `trace-format` at the first that is none */
export function npyIds({ type, count, bytes }: NpyFile, place: string): Uint32Array<ArrayBuffer> {
  if (type === 'f8' || type === 'i8') {
    const view = viewOf(bytes);
    const ids = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const value = type === 'f8' ? view.getFloat64(8 * i, true) : Number(view.getBigInt64(8 * i, true));
      ids[i] = expertId(value, i, place);
    }
    return ids;
  }
  const { buffer } = new Uint8Array(bytes);
  const ids = new Uint32Array(buffer);
  if (type === 'u4') return ids;
  return expertIds(type === 'i4' ? new Int32Array(buffer) : new Float32Array(buffer), place, ids);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
