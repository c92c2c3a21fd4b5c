import { bf16ToNumber, f16ToNumber } from '../../base/float';

/** A tensor's place in memory: ggml's `ne` (elements) and `nb` (bytes) of four axes, the fastest first. */
export interface Strides {
  readonly ne: readonly [number, number, number, number];
  readonly nb: readonly [number, number, number, number];
}

/** Types whose values are captured, with what reads one. Block types have no single values. */
const READERS: Readonly<
  Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }>
> = {
  f32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  f16: { bytes: 2, read: (view, at) => f16ToNumber(view.getUint16(at, true)) },
  bf16: { bytes: 2, read: (view, at) => bf16ToNumber(view.getUint16(at, true)) },
  i32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
};

export type CapturedValues = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Whether values of a ggml type can be captured. */
export function isReadable(type: string): boolean {
  return type in READERS;
}

/**
 * All values in the order of `ne`, whatever the strides: f32 bits stay as they are, f16 and bf16 become the same numbers in f32.
 * @param raw the bytes of the whole tensor: `ggml_nbytes`
 */
export function stridedValues(type: string, { ne, nb }: Strides, raw: Uint8Array<ArrayBuffer>): CapturedValues {
  const reader = READERS[type];
  if (reader === undefined) throw new RangeError(`no values of type ${type}`);
  const count = ne[0] * ne[1] * ne[2] * ne[3];
  const isDense = ne.every((_, axis) => nb[axis] === reader.bytes * ne.slice(0, axis).reduce((a, b) => a * b, 1));
  if (isDense && reader.bytes === 4) {
    const bytes = raw.byteOffset === 0 && raw.byteLength === 4 * count ? raw.buffer : raw.slice(0, 4 * count).buffer;
    return type === 'i32' ? new Int32Array(bytes) : new Float32Array(bytes);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const copyBits = reader.bytes === 4;
  const out = new Uint32Array(count);
  const floats = new Float32Array(out.buffer);
  let k = 0;
  for (let d = 0; d < ne[3]; d++) {
    for (let c = 0; c < ne[2]; c++) {
      for (let b = 0; b < ne[1]; b++) {
        const row = d * nb[3] + c * nb[2] + b * nb[1];
        for (let a = 0; a < ne[0]; a++, k++) {
          const at = row + a * nb[0];
          // Bits, not numbers: a NaN keeps its payload.
          if (copyBits) out[k] = view.getUint32(at, true);
          else floats[k] = reader.read(view, at);
        }
      }
    }
  }
  return type === 'i32' ? new Int32Array(out.buffer) : floats;
}
