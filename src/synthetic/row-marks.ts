import type { QuantType } from '../gguf/ggml-types';

/**
 * Where a block of each type holds quants: four bytes whose bits are all free. Undefined for plain floats, whose rows need no mark: a pool
 * of them is cut at any element, not at every 32nd or 256th.
 */
const QUANTS_AT: Readonly<Record<QuantType, number | undefined>> = {
  F32: undefined,
  F16: undefined,
  BF16: undefined,
  Q8_0: 2,
  Q4_0: 2,
  Q4_1: 4,
  Q5_0: 2,
  Q5_1: 4,
  Q2_K: 16,
  Q3_K: 0,
  Q4_K: 16,
  Q5_K: 16,
  Q6_K: 0,
  IQ4_NL: 2,
  IQ4_XS: 8,
  MXFP4: 1,
};

/**
 * Gives each row in `bytes` quants of its own in its first block, hashed from its number: rows of a repeated pool that would be equal (and
 * make equal logits) differ.
 * @param firstRow number of the first row in `bytes`, over the whole model
 */
export function markRows(bytes: Uint8Array, type: QuantType, bytesPerRow: number, firstRow: number): void {
  const quantsAt = QUANTS_AT[type];
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
