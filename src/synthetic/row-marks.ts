import { typeOf, type QuantType } from '../types/types';

/**
 * Gives each row in `bytes` quants of its own in its first block, hashed from its number: rows of a repeated pool that would be equal (and
 * make equal logits) differ.
 * Plain floats need no mark: a pool of them is cut at any element, not at every 32nd or 256th.
 * @param firstRow number of the first row in `bytes`, over the whole model
 */
export function markRows(bytes: Uint8Array, type: QuantType, bytesPerRow: number, firstRow: number): void {
  const { quantsAt } = typeOf(type);
  if (quantsAt === undefined) return;
  let row = firstRow;
  for (let at = quantsAt; at < bytes.length; at += bytesPerRow) {
    const mark = hash(row++);
    bytes[at] = mark;
    bytes[at + 1] = mark >>> 8;
    bytes[at + 2] = mark >>> 16;
    bytes[at + 3] = mark >>> 24;
  }
}

/** The finaliser of MurmurHash3: a bijection on 32 bits that changes half of them with each. */
function hash(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
