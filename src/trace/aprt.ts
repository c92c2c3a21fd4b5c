import { formatError } from './format-error';
import type { CaptureData } from './stage-layout';

/** Bytes 0-3 `APRT`, 4-7 u32 LE layer, 8-11 u32 LE element count, then f32 LE. All supported platforms are little-endian. */
const HEADER_BYTES = 12;
const MAGIC = 'APRT';
/** The header's layer of a whole-model stage. */
const WHOLE_MODEL = 0xffffffff;
/** Largest whole number from which on f32 cannot hold every expert id. */
const MAX_EXACT_INDEX = 2 ** 24;

export interface AprtTensor {
  /** Undefined for a whole-model stage. */
  readonly layer: number | undefined;
  /** Bits as in the file. */
  readonly data: Float32Array<ArrayBuffer>;
}

/** Whether the bytes begin like an APRT file. */
export function isAprt(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && [...MAGIC].every((c, i) => bytes[i] === c.charCodeAt(0));
}

/**
 * One tensor as an APRT file. f32 bits are copied, NaN payloads included; u32 expert ids become f32 numbers.
 * @throws TracerError `trace-format` when an id is too large for an f32.
 */
export function encodeAprt(layer: number | undefined, data: CaptureData): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + 4 * data.length);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, layer ?? WHOLE_MODEL, true);
  view.setUint32(8, data.length, true);
  const values = data instanceof Uint32Array ? indexNumbers(data) : data;
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER_BYTES);
  return bytes;
}

/** Reads an APRT file. @throws TracerError `trace-format` with `place` in it. */
export function decodeAprt(bytes: Uint8Array, place: string): AprtTensor {
  if (bytes.length < HEADER_BYTES) {
    throw formatError(place, `a header of ${HEADER_BYTES} bytes`, `${bytes.length} bytes`);
  }
  if (!isAprt(bytes)) throw formatError(`${place}, bytes 0-3`, MAGIC, hex(bytes.subarray(0, 4)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layer = view.getUint32(4, true);
  const count = view.getUint32(8, true);
  const held = bytes.length - HEADER_BYTES;
  if (held !== 4 * count)
    throw formatError(`${place}, bytes 12-`, `${4 * count} bytes for ${count} elements`, `${held}`);
  return {
    layer: layer === WHOLE_MODEL ? undefined : layer,
    // A copy: the bytes may be a view, at any offset, of a larger buffer.
    data: new Float32Array(new Uint8Array(bytes.subarray(HEADER_BYTES)).buffer),
  };
}

function indexNumbers(ids: Uint32Array): Float32Array {
  const tooLarge = ids.find((id) => id > MAX_EXACT_INDEX);
  if (tooLarge !== undefined) throw formatError('APRT indices', `ids up to ${MAX_EXACT_INDEX}`, `${tooLarge}`);
  return Float32Array.from(ids);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
}
