import { ggmlType, type QuantType } from '../../gguf/ggml-types';

/**
 * Some bytes of every block of a row, one block after another. Planes are what makes 16-byte loads possible for blocks of 18, 34 or
 * 210 bytes, at no cost in memory beyond rounding each plane of a row up to 16 bytes.
 */
export interface Plane {
  /** First byte inside the ggml block. */
  readonly from: number;
  /** Bytes of each block. */
  readonly bytes: number;
  /** Bytes from one block to the next in the plane; more than `bytes` where the format pads. */
  readonly stride: number;
}

/** How rows of a type lie in GPU memory: its planes one after another, each on 16 bytes. Elements beyond the row are zero. */
export interface WeightLayout {
  readonly type: QuantType;
  /** File that reads the layout, inside `shaders/`. */
  readonly shader: string;
  readonly planes: readonly Plane[];
}

/** Elements of one step of the kernels: rows of float types are padded with zeros to a multiple of it. */
export const CHUNK = 32;

const plane = (from: number, bytes: number, stride = bytes): Plane => ({ from, bytes, stride });

/** One row a type; `shaders/lib/` describes the same bytes from the reading side. */
const PLANES: Readonly<Record<QuantType, readonly Plane[]>> = {
  F32: [plane(0, 4)],
  F16: [plane(0, 2)],
  BF16: [plane(0, 2)],
  Q4_0: [plane(2, 16), plane(0, 2)],
  Q4_1: [plane(4, 16), plane(0, 4)],
  Q5_0: [plane(6, 16), plane(2, 4), plane(0, 2)],
  Q5_1: [plane(8, 16), plane(4, 4), plane(0, 4)],
  Q8_0: [plane(2, 32), plane(0, 2)],
  Q2_K: [plane(0, 80), plane(80, 4)],
  Q3_K: [plane(0, 110, 112)],
  Q4_K: [plane(0, 144)],
  Q5_K: [plane(0, 176)],
  Q6_K: [plane(0, 192), plane(192, 16), plane(208, 2)],
  IQ4_NL: [plane(2, 16), plane(0, 2)],
  IQ4_XS: [plane(8, 128), plane(0, 8)],
  MXFP4: [plane(1, 16), plane(0, 1)],
};

/** The layout of a type. */
export function weightLayout(type: QuantType): WeightLayout {
  return { type, shader: `lib/${type.toLowerCase()}.wgsl`, planes: PLANES[type] };
}

/** 4-byte words of one row of `nIn` elements in GPU memory; a multiple of 4. */
export function gpuRowWords(type: QuantType, nIn: number): number {
  return planeOffsets(type, nIn).rowBytes / 4;
}

/** Where each plane of a row begins, in bytes, and the bytes of the whole row. */
export function planeOffsets(
  type: QuantType,
  nIn: number,
): { readonly offsets: readonly number[]; readonly rowBytes: number } {
  const { blockSize } = ggmlType(type);
  const blocks = blockSize === 1 ? Math.ceil(nIn / CHUNK) * CHUNK : nIn / blockSize;
  const offsets: number[] = [];
  let rowBytes = 0;
  for (const { stride } of PLANES[type]) {
    offsets.push(rowBytes);
    rowBytes += Math.ceil((blocks * stride) / 16) * 16;
  }
  return { offsets, rowBytes };
}
