import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random';
import type { GpuContext } from '../../../src/gpu/device';
import { ropeTable } from '../../../src/gpu/engine/rope-table';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { testContext } from '../../support/gpu';
import { INPUT_KINDS, inputValues as values } from '../../../src/selftest/inputs';
import { expectWithin, FLUSH, runFloats, runKernel, U } from './support';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

/** One, a workgroup less one, a workgroup, one more, a prime. */
const COUNTS = [1, 63, 64, 65, 997] as const;

describe('add', () => {
  it.each(COUNTS.flatMap((count) => INPUT_KINDS.map((kind) => [count, kind] as const)))(
    'adds %i %s values',
    async (count, kind) => {
      const a = values(kind, count, 1);
      const b = values(kind, count, 2);
      const y = await runFloats(context, 'add', { a, b }, count, { count }, linearGrid(count, 64));
      const expected = a.map((v, i) => v + (b[i] ?? NaN));
      expectWithin(y, expected, (i) => U * Math.abs(expected[i] ?? 0) + FLUSH);
    },
  );

  it('reaches beyond 65,535 workgroups', async () => {
    const count = 65_535 * 64 + 130;
    const a = Float32Array.from({ length: count }, (_, i) => i % 4096);
    const b = new Float32Array(count).fill(0.5);
    const y = await runFloats(context, 'add', { a, b }, count, { count }, linearGrid(count, 64));
    expect(y.findIndex((v, i) => v !== (i % 4096) + 0.5)).toBe(-1);
  });

  it('keeps NaN and infinity where they are', async () => {
    const a = Float32Array.of(1, NaN, Infinity, -Infinity, 2);
    const y = await runFloats(context, 'add', { a, b: new Float32Array(5) }, 5, { count: 5 }, linearGrid(5, 64));
    expect([...y]).toEqual([1, NaN, Infinity, -Infinity, 2]);
  });
});

describe('copy_rows', () => {
  it('packs part of every row, bits unchanged, from yOffset on', async () => {
    const random = seededRandom(3);
    const [rows, rowLength, xStride, xOffset, yOffset] = [7, 13, 31, 17, 26];
    const x = Uint32Array.from({ length: rows * xStride }, () => random.uint32());
    x[xOffset] = 0x7f800001;
    const count = rows * rowLength;
    const params = { count, rowLength, xStride, xOffset, yOffset };
    const y = await runKernel(context, 'copyRows', { x }, yOffset + count, params, linearGrid(count, 64));
    const expected = Array.from({ length: count }, (_, i) => {
      const row = Math.floor(i / rowLength);
      return x[row * xStride + xOffset + (i % rowLength)];
    });
    expect([...y.subarray(yOffset)]).toEqual(expected);
  });
});

describe('swiglu', () => {
  const silu = (g: number): number => g / (1 + Math.exp(-g));

  it.each(COUNTS.flatMap((count) => INPUT_KINDS.map((kind) => [count, kind] as const)))(
    'of %i %s values',
    async (count, kind) => {
      const gate = values(kind, count, 3);
      const up = values(kind, count, 4);
      const y = await runFloats(context, 'swiglu', { gate, up }, count, { count }, linearGrid(count, 64));
      const expected = Float64Array.from(gate, (g, i) => silu(g) * (up[i] ?? NaN));
      // exp 3 + 2|x| ULP, division 2.5, three more roundings.
      const ulps = (g: number): number => 10 + 2 * Math.abs(g);
      expectWithin(
        y,
        expected,
        (i) => ulps(gate[i] ?? 0) * U * Math.abs(expected[i] ?? 0) + FLUSH * (1 + Math.abs(up[i] ?? 0)),
      );
    },
  );

  it('neither overflows nor turns NaN at the ends', async () => {
    const gate = Float32Array.of(-1e30, -500, -88, 88, 500, 1e30);
    const up = new Float32Array(6).fill(1);
    const y = await runFloats(context, 'swiglu', { gate, up }, 6, { count: 6 }, linearGrid(6, 64));
    const expected = [...gate].map(silu).map((v) => (Number.isNaN(v) ? 0 : v));
    // exp(-88) times 88: (3 + 2 * 88) ULP and then some.
    expectWithin(y, expected, (i) => 200 * U * Math.abs(expected[i] ?? 0) + 1e-36);
  });
});

describe('weighted_sum', () => {
  it.each([
    [1, 1, 1],
    [3, 67, 2],
    [5, 64, 8],
    [2, 2048, 3],
  ])('of %i tokens, %i channels, %i slots', async (tokens, rowLength, nUsed) => {
    const weights = values('normal', tokens * nUsed, 5);
    const x = values('normal', tokens * nUsed * rowLength, 6);
    const count = tokens * rowLength;
    const params = { count, rowLength, nUsed };
    const y = await runFloats(context, 'weightedSum', { weights, x }, count, params, linearGrid(count, 64));
    const expected = new Float64Array(count);
    const magnitude = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const t = Math.floor(i / rowLength);
      for (let s = 0; s < nUsed; s++) {
        const term = (weights[t * nUsed + s] ?? NaN) * (x[(t * nUsed + s) * rowLength + (i % rowLength)] ?? NaN);
        expected[i] = (expected[i] ?? 0) + term;
        magnitude[i] = (magnitude[i] ?? 0) + Math.abs(term);
      }
    }
    expectWithin(y, expected, (i) => (nUsed + 1) * U * (magnitude[i] ?? 0) + FLUSH);
  });
});

describe('renormalise', () => {
  it('divides by the sum of the chosen', async () => {
    const p = Float32Array.of(0.5, 0.25, 0.125, 0.125, 0.1, 0.2, 0.3, 0.4);
    const indices = Uint32Array.of(0, 2, 3, 1);
    const params = { count: 4, nExpert: 4, nUsed: 2 };
    const y = await runFloats(context, 'renormalise', { p, indices }, 4, params, linearGrid(4, 64));
    expectWithin(y, [0.8, 0.2, 0.4 / 0.6, 0.2 / 0.6], () => 4 * U);
  });

  it('never divides by less than 2^-14', async () => {
    const p = Float32Array.of(0, 0, 2 ** -20, 0);
    const params = { count: 2, nExpert: 2, nUsed: 1 };
    const indices = Uint32Array.of(1, 0);
    const y = await runFloats(context, 'renormalise', { p, indices }, 2, params, linearGrid(2, 64));
    expect([...y]).toEqual([0, 2 ** -6]);
  });

  it('stays inside the probabilities whatever the indices are', async () => {
    const params = { count: 2, nExpert: 2, nUsed: 2 };
    const inputs = { p: Float32Array.of(0.25, 0.75), indices: Uint32Array.of(0xffffffff, 0) };
    const y = await runFloats(context, 'renormalise', inputs, 2, params, linearGrid(2, 64));
    expectWithin(y, [0.75, 0.25], () => 4 * U);
  });
});

describe('rope', () => {
  it.each([
    [1, 1, 2, 0],
    [3, 5, 14, 7],
    [2, 4, 128, 4095],
    [65, 1, 64, 0],
  ])('turns %i tokens of %i heads of %i channels from position %i', async (tokens, heads, headDim, first) => {
    const theta = 1e6;
    const pairs = headDim / 2;
    const x = values('normal', tokens * heads * headDim, 7);
    const count = tokens * heads * pairs;
    const yOffset = 2 * heads * headDim;
    const table = ropeTable(first, tokens, theta, headDim);
    const y = await runFloats(
      context,
      'rope',
      { x, table },
      yOffset + x.length,
      { count, pairs, heads, yOffset },
      linearGrid(count, 64),
    );
    const expected = new Float64Array(x.length);
    for (let t = 0; t < tokens; t++) {
      for (let h = 0; h < heads; h++) {
        for (let i = 0; i < pairs; i++) {
          const angle = (first + t) * theta ** ((-2 * i) / headDim);
          const at = (t * heads + h) * headDim + i;
          const [a = NaN, b = NaN] = [x[at], x[at + pairs]];
          expected[at] = a * Math.cos(angle) - b * Math.sin(angle);
          expected[at + pairs] = b * Math.cos(angle) + a * Math.sin(angle);
        }
      }
    }
    const largest = Math.max(...x.map(Math.abs));
    // Two products of rounded table entries and one sum, of values up to the largest.
    expectWithin(y.subarray(yOffset), expected, () => 4 * U * largest);
  });
});
