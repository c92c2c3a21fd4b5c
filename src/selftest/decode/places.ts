import { COLUMNS } from '../../types/lib/columns';
import { typeOf, type QuantType } from '../../types/types';

/** Blocks of a folded vector of `length` values: what `foldBlocks` of shaders/fusions/lib/places.wgsl says. */
export function foldBlocks(length: number): number {
  return Math.ceil(length / 128);
}

/** Where value i of a folded vector lies. */
export function foldedValue(i: number, blocks: number): number {
  const column = i >> 2;
  return 4 * ((column & 31) * blocks + (column >> 5)) + (i & 3);
}

/** Values that a folded vector takes. */
export function foldedWords(length: number): number {
  return 128 * foldBlocks(length);
}

/** Where a residual stream's gained values begin. */
export function gainedAt(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** Where its sums of squares begin. */
export function squaresAt(length: number): number {
  return gainedAt(length) + foldedWords(length);
}

/** A vector, folded, between what no kernel should meet. */
export function folded(values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const out = new Float32Array(foldedWords(values.length)).fill(NaN);
  for (let i = 0; i < values.length; i++) out[foldedValue(i, foldBlocks(values.length))] = values[i] ?? NaN;
  return out;
}

/** A residual stream as kernels read it: values, gained values, sums of squares padded to whole vec4s. */
export function streamOf(
  values: ArrayLike<number>,
  gained: ArrayLike<number>,
  squares: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const n = values.length;
  const out = new Float32Array(squaresAt(n) + Math.ceil(squares.length / 4) * 4).fill(NaN);
  out.set(Array.from(values));
  out.set(folded(gained), gainedAt(n));
  out.set(Array.from(squares), squaresAt(n));
  return out;
}

/** The elements of a chunk of a row, in the order in which its type's shader has them. */
export function chunkElements(type: QuantType, chunk: number): readonly number[] {
  const { chunks, column } = COLUMNS[typeOf(type).columns];
  const [unit, part] = [Math.floor(chunk / chunks), chunk % chunks];
  return Array.from({ length: 32 }, (_, i) => 4 * column(unit, part, i >> 2) + (i & 3));
}
