import { describe, expect, it } from 'vitest';
import { f32Bits } from '../../src/base/float';
import { seededRandom, type Random } from '../../src/base/random';
import { plainRows } from '../../src/cpu/kernels/plain-rows';
import type { RowProducts, RowsWork } from '../../src/cpu/kernels/rows-work';
import { FREE_FROM, giveInstance, takeInstance } from '../../src/cpu/kernels/simd-module';
import { simdRows } from '../../src/cpu/kernels/simd-rows';
import { putFloat } from '../../src/types/lib/float-field';
import { typeOf } from '../../src/types/types';
import { ggmlType, QUANT_TYPES, rowBytes, type QuantType } from '../../src/gguf/ggml-types';
import { randomBlocks } from '../../src/gguf/random-blocks';
import { EXTREME_F16, f16Fields } from '../support/quant-fields';

/** Where blocks and values lie in the module's memory. */
const BYTES_AT = FREE_FROM + 64;
const VALUES_AT = FREE_FROM + 32_768;

/** The elements of `bytes` as the module makes them, with 16 bytes of guard on either side. */
function simdValues(type: QuantType, bytes: Uint8Array, n: number): Uint32Array {
  const instance = takeInstance(VALUES_AT + 4 * n + 32);
  if (instance === undefined) throw new Error('this Node has no WebAssembly SIMD');
  const { buffer } = instance.memory;
  new Uint8Array(buffer, BYTES_AT, bytes.length).set(bytes);
  const whole = new Uint32Array(buffer, VALUES_AT, n + 8).fill(0xdeadbeef);
  instance.dequantise[type](BYTES_AT, VALUES_AT + 16, n);
  const out = whole.slice(4, n + 4);
  expect([...whole.subarray(0, 4), ...whole.subarray(n + 4)]).toEqual(Array.from({ length: 8 }, () => 0xdeadbeef));
  giveInstance(instance);
  return out;
}

/** Index of the first element that differs in any bit; NaN of a quantised type may be any NaN. */
function firstDifference(type: QuantType, bytes: Uint8Array): number {
  const { blockSize, typeSize } = ggmlType(type);
  const n = (bytes.length / typeSize) * blockSize;
  const plain = new Float32Array(n);
  typeOf(type).dequantise(bytes, 0, plain, 0, n);
  const plainBits = new Uint32Array(plain.buffer);
  const simd = simdValues(type, bytes, n);
  const simdFloats = new Float32Array(simd.buffer);
  return simd.findIndex(
    (bits, i) => bits !== plainBits[i] && !(blockSize > 1 && Number.isNaN(simdFloats[i]) && Number.isNaN(plain[i])),
  );
}

function randomBytes(length: number, random: Random): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

describe.each(QUANT_TYPES)('dequantisation of %s in WebAssembly', (type) => {
  const { blockSize, typeSize } = ggmlType(type);

  it('has the bits of the plain loops on random bytes, NaN and infinity among them', () => {
    const random = seededRandom(21);
    for (let round = 0; round < 20; round++) {
      const blocks = blockSize > 1 ? 8 : 1 + random.below(200);
      expect(firstDifference(type, randomBytes(blocks * typeSize, random))).toBe(-1);
    }
  });

  it('has them with extreme scales', () => {
    const random = seededRandom(22);
    const [first, second] = f16Fields(type);
    for (const a of EXTREME_F16) {
      for (const b of EXTREME_F16) {
        const block = randomBytes(typeSize, random);
        if (first !== undefined) putFloat(block, 0, first, a);
        if (second !== undefined) putFloat(block, 0, second, b);
        expect(firstDifference(type, block)).toBe(-1);
      }
    }
    for (let byte = 0; byte < 256; byte++) {
      const block = randomBytes(typeSize, random);
      block[0] = byte;
      expect(firstDifference(type, block)).toBe(-1);
    }
  });
});

it('turns every binary16 into the same number', () => {
  const bytes = new Uint8Array(Uint16Array.from({ length: 4096 }, (_, i) => i * 16 + (i % 16)).buffer);
  expect(firstDifference('F16', bytes)).toBe(-1);
});

/** Bits that differ between two results, NaN counted as equal to NaN. */
function differences(a: Float64Array | undefined, b: Float64Array | undefined): number {
  if (a?.length !== b?.length) return Infinity;
  let count = 0;
  for (let i = 0; i < (a?.length ?? 0); i++) if (!Object.is(a?.[i], b?.[i])) count++;
  return count;
}

function simd(work: RowsWork): RowProducts {
  const products = simdRows(work);
  if (products === undefined) throw new Error('this Node has no WebAssembly SIMD');
  return products;
}

function repeated(values: Float64Array, times: number): Float64Array {
  return Float64Array.from({ length: times * values.length }, (_, i) => values[i % values.length] ?? NaN);
}

function compare(work: RowsWork): void {
  const plain = plainRows(work);
  const fast = simd(work);
  plain.multiply(0, work.rows);
  const middle = Math.floor(work.rows / 2);
  fast.multiply(0, middle);
  fast.multiply(middle, work.rows);
  expect(differences(fast.y(), plain.y())).toBe(0);
  expect(differences(fast.magnitudes(), plain.magnitudes())).toBe(0);
  expect(plain.magnitudes() === undefined).toBe(work.magnitudes === 0);
  fast.release();
}

describe('simdRows', () => {
  it.each(QUANT_TYPES)('gives the bits of the plain loops: %s', (type) => {
    const random = seededRandom(31);
    const nIn = 2 * Math.max(32, ggmlType(type).blockSize);
    // Tokens are summed four at a time, those that are left over alone or as another four; rows in pairs.
    for (const nTokens of [1, 2, 3, 4, 5, 6, 7, 12]) {
      // More than the rows that go together, and no multiple of them.
      const rows = 21;
      const bytes = randomBlocks(type, rows * nIn, 0.05, random);
      const x = Float64Array.from({ length: nTokens * nIn }, () => random.normal());
      for (const magnitudes of new Set([0, 1, nTokens])) compare({ type, bytes, rows, nIn, x, nTokens, magnitudes });
    }
  });

  it.each([1, 7, 8, 9, 61, 256])('does so for rows of %i numbers that are extreme', (nIn) => {
    const extremes = [0, -0, 1e-320, -1e-310, 1e300, -1e300, Infinity, NaN, 2 ** -149];
    for (let round = 0; round < 20; round++) {
      const random = seededRandom(1000 * nIn + round);
      const pick = (): number =>
        round < 10 || random.below(4) > 0 ? random.normal() : (extremes[random.below(round < 15 ? 4 : 9)] ?? 0);
      for (const [nTokens, rows] of [
        [1, 1],
        [3, 2],
        [4, 1],
        [7, 3],
        [8, 9],
      ] as const) {
        const x = Float64Array.from({ length: nTokens * nIn }, pick);
        const bytes = new Uint8Array(Float32Array.from({ length: rows * nIn }, pick).buffer);
        compare({ type: 'F32', bytes, rows, nIn, x, nTokens, magnitudes: nTokens });
      }
    }
  });

  it('keeps two products of one thread apart, and clears what an earlier one left behind', () => {
    const one = (values: readonly number[], x: readonly number[]): RowProducts =>
      simd({
        type: 'F32',
        bytes: new Uint8Array(Float32Array.from(values).buffer),
        rows: 1,
        nIn: values.length,
        x: Float64Array.from(x),
        nTokens: 1,
        magnitudes: 0,
      });
    const a = one([1, 1, 1], [1, 2, 3]);
    const b = one([1, 1, 1], [10, 20, 30]);
    for (const products of [a, b]) products.multiply(0, 1);
    expect([a.y()[0], b.y()[0]]).toEqual([6, 60]);
    for (const products of [a, b]) products.release();
    const c = one([2], [5]);
    c.multiply(0, 1);
    expect(c.y()[0]).toBe(10);
    c.release();
  });

  it('grows for long prompts', () => {
    const [nTokens, nIn] = [700, 256];
    const bytes = new Uint8Array(new Float32Array(nIn).fill(0.5).buffer);
    const x = new Float64Array(nTokens * nIn).fill(1);
    const products = simd({ type: 'F32', bytes, rows: 1, nIn, x, nTokens, magnitudes: 0 });
    products.multiply(0, 1);
    expect(products.y()[nTokens - 1]).toBe(128);
    products.release();
  });

  it('notices a changed bit, in weights and in the order of a sum', () => {
    const random = seededRandom(41);
    const nIn = 256;
    const bytes = randomBlocks('Q4_K', nIn, 0.05, random);
    const x = Float64Array.from({ length: nIn }, () => random.normal());
    const work: RowsWork = { type: 'Q4_K', bytes, rows: 1, nIn, x, nTokens: 1, magnitudes: 0 };
    const plain = plainRows(work);
    plain.multiply(0, 1);
    const other = bytes.slice();
    other[rowBytes('Q4_K', nIn) - 1] = (other[rowBytes('Q4_K', nIn) - 1] ?? 0) ^ 1;
    // As one of one token, and as one of a block of four.
    for (const nTokens of [1, 4]) {
      const changed = simd({ ...work, bytes: other, x: repeated(x, nTokens), nTokens });
      changed.multiply(0, 1);
      expect(differences(changed.y(), repeated(plain.y(), nTokens))).toBe(nTokens);
      changed.release();
    }
    const row = new Float32Array(nIn);
    typeOf('Q4_K').dequantise(bytes, 0, row, 0, nIn);
    expect(row.reduce((sum, w, j) => sum + w * (x[j] ?? 0), 0)).not.toBe(plain.y()[0]);
    expect(f32Bits(row[0] ?? 0)).not.toBe(f32Bits(row[1] ?? 0));
  });
});
