import { ggmlType, rowBytes, type QuantType } from '../../gguf/ggml-types';
import { gpuRowWords, planeOffsets, weightLayout, type Plane } from '../../ops/weight-layout';

/**
 * Rows as the file holds them to rows as the kernels read them (see `weight-layout.ts`).
 * Where the two are the same bytes and `bytes` starts on 4, the result is a view of `bytes`, not a copy.
 * @param bytes `nRows` rows of `nIn` elements, ggml blocks. `nIn` is a multiple of the type's block size.
 * @returns nRows * gpuRowWords(type, nIn) words.
 */
export function repackRows(
  type: QuantType,
  bytes: Uint8Array<ArrayBuffer>,
  nRows: number,
  nIn: number,
): Uint32Array<ArrayBuffer> {
  const sourceRow = rowBytes(type, nIn);
  const targetRow = 4 * gpuRowWords(type, nIn);
  const { planes } = weightLayout(type);
  const unchanged = planes.length === 1 && planes[0]?.bytes === planes[0]?.stride;
  if (unchanged && sourceRow === targetRow) return asWords(bytes, (nRows * targetRow) / 4);

  const target = new Uint32Array((nRows * targetRow) / 4);
  if (unchanged) {
    const out = new Uint8Array(target.buffer);
    for (let r = 0; r < nRows; r++) out.set(bytes.subarray(r * sourceRow, (r + 1) * sourceRow), r * targetRow);
    return target;
  }
  const { typeSize } = ggmlType(type);
  const { offsets } = planeOffsets(type, nIn);
  const blocks = sourceRow / typeSize;
  const source = new DataView(bytes.buffer, bytes.byteOffset, nRows * sourceRow);
  planes.forEach((plane, i) => {
    const strides = { nRows, blocks, typeSize, targetRow, from: offsets[i] ?? 0 };
    copyWords(source, target, plane, strides);
    copyTail(source, new Uint8Array(target.buffer), plane, strides);
  });
  return target;
}

interface Strides {
  readonly nRows: number;
  /** Blocks a row. */
  readonly blocks: number;
  /** Bytes from one block of the source to the next. */
  readonly typeSize: number;
  /** Bytes from one row of the target to the next. */
  readonly targetRow: number;
  /** Byte of the row where the plane begins. */
  readonly from: number;
}

/** The whole words of a field of every block. The source may lie at any byte: an unaligned DataView read is one instruction. */
function copyWords(source: DataView, target: Uint32Array, plane: Plane, strides: Strides): void {
  const { nRows, blocks, typeSize, targetRow, from } = strides;
  const words = plane.bytes >> 2;
  if (words === 0) return;
  const step = plane.stride >> 2;
  let s = plane.from;
  for (let row = 0; row < nRows; row++) {
    let t = (row * targetRow + from) / 4;
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < words; i++) target[t + i] = source.getUint32(s + 4 * i, true);
      s += typeSize;
      t += step;
    }
  }
}

/** The 1 to 3 bytes of a field that are no whole word. */
function copyTail(source: DataView, target: Uint8Array, plane: Plane, strides: Strides): void {
  const { nRows, blocks, typeSize, targetRow, from } = strides;
  const whole = plane.bytes & ~3;
  if (whole === plane.bytes) return;
  let s = plane.from;
  for (let row = 0; row < nRows; row++) {
    let t = row * targetRow + from;
    for (let block = 0; block < blocks; block++) {
      for (let i = whole; i < plane.bytes; i++) target[t + i] = source.getUint8(s + i);
      s += typeSize;
      t += plane.stride;
    }
  }
}

function asWords(bytes: Uint8Array<ArrayBuffer>, words: number): Uint32Array<ArrayBuffer> {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, words);
  return new Uint32Array(bytes.slice(0, 4 * words).buffer);
}
