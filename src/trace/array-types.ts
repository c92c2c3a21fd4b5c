import { bf16ToNumber, f16ToNumber } from '../base/float';

/** How one element of an array file is stored. `V2` is bfloat16, which NumPy has no name of its own for. */
interface ArrayTypeSpec {
  readonly bytes: number;
  readonly kind: 'float' | 'integer';
  /** One element as a number; integers above 2^53 lose their last bits. */
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

/** THE ELEMENT TYPES of arrays that other programs write, by NumPy's names. */
export const ARRAY_TYPES = {
  f2: { bytes: 2, kind: 'float', read: (v, at, le) => f16ToNumber(v.getUint16(at, le)) },
  V2: { bytes: 2, kind: 'float', read: (v, at, le) => bf16ToNumber(v.getUint16(at, le)) },
  f4: { bytes: 4, kind: 'float', read: (v, at, le) => v.getFloat32(at, le) },
  f8: { bytes: 8, kind: 'float', read: (v, at, le) => v.getFloat64(at, le) },
  i1: { bytes: 1, kind: 'integer', read: (v, at) => v.getInt8(at) },
  i2: { bytes: 2, kind: 'integer', read: (v, at, le) => v.getInt16(at, le) },
  i4: { bytes: 4, kind: 'integer', read: (v, at, le) => v.getInt32(at, le) },
  i8: { bytes: 8, kind: 'integer', read: (v, at, le) => Number(v.getBigInt64(at, le)) },
  u1: { bytes: 1, kind: 'integer', read: (v, at) => v.getUint8(at) },
  u2: { bytes: 2, kind: 'integer', read: (v, at, le) => v.getUint16(at, le) },
  u4: { bytes: 4, kind: 'integer', read: (v, at, le) => v.getUint32(at, le) },
  u8: { bytes: 8, kind: 'integer', read: (v, at, le) => Number(v.getBigUint64(at, le)) },
} as const satisfies Record<string, ArrayTypeSpec>;

export type ArrayType = keyof typeof ARRAY_TYPES;

/** An array whose elements still lie in the file that held it, at any address. */
export interface StoredArray {
  readonly type: ArrayType;
  readonly shape: readonly number[];
  readonly count: number;
  /** The elements: a view. */
  readonly bytes: Uint8Array;
  readonly bigEndian: boolean;
  /** Fortran order: the first axis is the fastest. */
  readonly columnMajor: boolean;
}

export function isArrayType(name: string): name is ArrayType {
  return name in ARRAY_TYPES;
}

/** Whether the elements lie as a typed array of this machine would have them (all supported machines are little-endian), in C order. */
export function isPlain({ bigEndian, columnMajor, type }: StoredArray): boolean {
  return !columnMajor && (!bigEndian || ARRAY_TYPES[type].bytes === 1);
}

/** Calls `put(i, value)` for every element, `i` being its index in C order, in the order of the file. */
export function eachElement(array: StoredArray, put: (index: number, value: number) => void): void {
  const { bytes, read } = ARRAY_TYPES[array.type];
  const view = new DataView(array.bytes.buffer, array.bytes.byteOffset, array.bytes.byteLength);
  const le = !array.bigEndian;
  if (!array.columnMajor) {
    for (let i = 0; i < array.count; i++) put(i, read(view, i * bytes, le));
    return;
  }
  // C strides of the axes, and a counter that runs the first axis fastest.
  const { shape } = array;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const at = shape.map(() => 0);
  let index = 0;
  for (let i = 0; i < array.count; i++) {
    put(index, read(view, i * bytes, le));
    for (let axis = 0; axis < shape.length; axis++) {
      index += strides[axis] ?? 0;
      at[axis] = (at[axis] ?? 0) + 1;
      if ((at[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index -= (strides[axis] ?? 0) * (shape[axis] ?? 0);
      at[axis] = 0;
    }
  }
}
