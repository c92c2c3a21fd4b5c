import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { testContext } from '../../support/gpu';
import { INPUT_KINDS, inputValues as values, type InputKind } from '../../../src/selftest/inputs';
import { expectWithin, FLUSH, runFloats, U } from './support';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

/** Partial sums of 64 lanes, then 64 of those, in units of rounding. */
const sumUlps = (n: number): number => Math.ceil(n / 64) + 64;

describe('rmsnorm', () => {
  const cases: readonly (readonly [number, number, InputKind])[] = [
    ...[1, 2, 63, 64, 65, 127, 2048].map((length) => [3, length, 'normal'] as const),
    ...INPUT_KINDS.map((kind) => [2, 67, kind] as const),
    [1, 1, 'zero'],
    [130, 5, 'normal'],
  ];

  it.each(cases)('of %i rows of %i %s values', async (rows, rowLength, kind) => {
    const eps = 1e-6;
    const x = values(kind, rows * rowLength, 1);
    const weight = values('normal', rowLength, 2);
    const params = { rows, rowLength, rowsPerToken: 1, xStride: rowLength, xOffset: 0, eps };
    const y = await runFloats(context, 'rmsnorm', { x, weight }, x.length, params, linearGrid(rows, 1));
    const expected = twin(x, weight, params);
    // Half the relative error of the sum, 2 ULP of inverseSqrt, four roundings; eps itself is rounded.
    const ulps = sumUlps(rowLength) / 2 + 8;
    expectWithin(y, expected, (i) => ulps * U * Math.abs(expected[i] ?? 0) + FLUSH * 1e3);
  });

  it('takes heads out of wider rows', async () => {
    const [tokens, heads, headDim, xStride, xOffset] = [4, 3, 10, 50, 20];
    const x = values('normal', tokens * xStride, 3);
    const weight = values('normal', headDim, 4);
    const params = { rows: tokens * heads, rowLength: headDim, rowsPerToken: heads, xStride, xOffset, eps: 1e-5 };
    const y = await runFloats(context, 'rmsnorm', { x, weight }, tokens * heads * headDim, params, linearGrid(12, 1));
    const expected = twin(x, weight, params);
    expectWithin(y, expected, (i) => 48 * U * Math.abs(expected[i] ?? 0) + FLUSH);
  });

  it('takes eps into account', async () => {
    const x = values('normal', 64, 5).map((v) => 1e-3 * v);
    const weight = new Float32Array(64).fill(1);
    const params = { rows: 1, rowLength: 64, rowsPerToken: 1, xStride: 64, xOffset: 0, eps: 1e-6 };
    const y = await runFloats(context, 'rmsnorm', { x, weight }, 64, params, linearGrid(1, 1));
    const [with1, without] = [twin(x, weight, params), twin(x, weight, { ...params, eps: 0 })];
    expectWithin(y, with1, (i) => 48 * U * Math.abs(with1[i] ?? 0));
    expect(Math.abs((without[0] ?? 0) / (with1[0] ?? 1))).toBeGreaterThan(1.2);
  });

  it('keeps NaN inside its row', async () => {
    const x = values('normal', 3 * 65, 6);
    x[70] = NaN;
    const weight = new Float32Array(65).fill(1);
    const params = { rows: 3, rowLength: 65, rowsPerToken: 1, xStride: 65, xOffset: 0, eps: 1e-6 };
    const y = await runFloats(context, 'rmsnorm', { x, weight }, x.length, params, linearGrid(3, 1));
    expect(y.subarray(65, 130).every(Number.isNaN)).toBe(true);
    expect(y.subarray(0, 65).some(Number.isNaN) || y.subarray(130).some(Number.isNaN)).toBe(false);
  });

  function twin(
    x: Float32Array,
    weight: Float32Array,
    p: { rows: number; rowLength: number; rowsPerToken: number; xStride: number; xOffset: number; eps: number },
  ): Float64Array {
    const y = new Float64Array(p.rows * p.rowLength);
    for (let row = 0; row < p.rows; row++) {
      const token = Math.floor(row / p.rowsPerToken);
      const first = token * p.xStride + p.xOffset + (row % p.rowsPerToken) * p.rowLength;
      let sum = 0;
      for (let c = 0; c < p.rowLength; c++) sum += (x[first + c] ?? NaN) ** 2;
      const scale = 1 / Math.sqrt(sum / p.rowLength + Math.fround(p.eps));
      for (let c = 0; c < p.rowLength; c++)
        y[row * p.rowLength + c] = (x[first + c] ?? NaN) * scale * (weight[c] ?? NaN);
    }
    return y;
  }
});

describe('softmax', () => {
  const cases: readonly (readonly [number, number, InputKind])[] = [
    ...[1, 3, 10, 60, 63, 64, 65, 128, 301].map((length) => [3, length, 'normal'] as const),
    ...INPUT_KINDS.map((kind) => [2, 67, kind] as const),
  ];

  it.each(cases)('of %i rows of %i %s values', async (rows, rowLength, kind) => {
    const x = values(kind, rows * rowLength, 1);
    const params = { rows, rowLength, causal: 0, rowsPerToken: 1, firstPosition: 0 };
    const y = await runFloats(context, 'softmax', { x }, x.length, params, linearGrid(rows, 1));
    check(y, x, params);
  });

  it.each([
    [5, 1, 7, 0],
    [4, 3, 70, 66],
    [9, 2, 9, 0],
  ])(
    'of %i tokens and %i heads over %i keys, from position %i, causally',
    async (tokens, heads, keys, firstPosition) => {
      const rows = tokens * heads;
      const x = values('normal', rows * keys, 2);
      // What the mask hides must not be read: an unwritten score may hold anything.
      for (let row = 0; row < rows; row++) {
        for (let key = firstPosition + Math.floor(row / heads) + 1; key < keys; key++) x[row * keys + key] = NaN;
      }
      const params = { rows, rowLength: keys, causal: 1, rowsPerToken: heads, firstPosition };
      const y = await runFloats(context, 'softmax', { x }, x.length, params, linearGrid(rows, 1));
      check(y, x, params);
    },
  );

  it('does not overflow, however far apart the values are', async () => {
    const x = Float32Array.of(-3e38, 0, 3e38, 3e38);
    const params = { rows: 1, rowLength: 4, causal: 0, rowsPerToken: 1, firstPosition: 0 };
    const y = await runFloats(context, 'softmax', { x }, 4, params, linearGrid(1, 1));
    expect([...y]).toEqual([0, 0, 0.5, 0.5]);
  });

  function check(
    y: Float32Array,
    x: Float32Array,
    p: { rows: number; rowLength: number; causal: number; rowsPerToken: number; firstPosition: number },
  ): void {
    for (let row = 0; row < p.rows; row++) {
      const end = p.causal
        ? Math.min(p.rowLength, p.firstPosition + Math.floor(row / p.rowsPerToken) + 1)
        : p.rowLength;
      const own = [...x.subarray(row * p.rowLength, row * p.rowLength + end)];
      const max = Math.max(...own);
      const exps = own.map((v) => Math.exp(v - max));
      const sum = exps.reduce((a, b) => a + b, 0);
      const expected = Array.from({ length: p.rowLength }, (_, i) => (exps[i] ?? 0) / sum);
      // exp: 3 + 2|x| ULP of each term, and the difference's own rounding, |x| U; the sum; division 2.5 ULP.
      const bound = (i: number): number => {
        if (i >= end) return 0;
        const far = max - (own[i] ?? NaN);
        return (14 + 3 * Math.min(far, 100) + sumUlps(end)) * U * (expected[i] ?? 0) + FLUSH;
      };
      expectWithin(y.subarray(row * p.rowLength, (row + 1) * p.rowLength), expected, bound);
    }
  }
});
