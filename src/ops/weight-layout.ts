import { CHUNK } from '../types/lib/columns';
import type { Plane } from '../types/define-type';
import { typeOf, type QuantType } from '../types/types';

export { CHUNK, type Plane };

/** How rows of a type lie in GPU memory: its planes one after another, each on 16 bytes. Elements beyond the row are zero. */
export interface WeightLayout {
  readonly type: QuantType;
  /** File that reads the layout, inside `shaders/`. */
  readonly shader: string;
  readonly planes: readonly Plane[];
}

/** The layout of a type. */
export function weightLayout(type: QuantType): WeightLayout {
  return { type, shader: `types/${type.toLowerCase()}.wgsl`, planes: typeOf(type).planes };
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
  const { blockSize, planes } = typeOf(type);
  const blocks = blockSize === 1 ? Math.ceil(nIn / CHUNK) * CHUNK : nIn / blockSize;
  const offsets: number[] = [];
  let rowBytes = 0;
  for (const { stride } of planes) {
    offsets.push(rowBytes);
    rowBytes += Math.ceil((blocks * stride) / 16) * 16;
  }
  return { offsets, rowBytes };
}
