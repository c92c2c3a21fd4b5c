import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { plainRows } from '../../src/cpu/kernels/plain-rows';
import { TINY } from '../../src/ops/rounding';

/** sum_j (|w_j| + TINY) (|x_j| + TINY) in f64. */
function exactly(w: ArrayLike<number>, x: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < w.length; j++) sum += (Math.abs(w[j] ?? NaN) + TINY) * (Math.abs(x[j] ?? NaN) + TINY);
  return sum;
}

/** The magnitudes of one row and one token. */
function inF32(w: Float32Array<ArrayBuffer>, x: Float64Array): number {
  const work = {
    type: 'F32',
    bytes: new Uint8Array(w.buffer),
    rows: 1,
    nIn: w.length,
    x,
    nTokens: 1,
    magnitudes: 1,
  } as const;
  const products = plainRows(work);
  products.multiply(0, 1);
  return products.magnitudes()?.[0] ?? NaN;
}

/**
 * What f32 sums may come out above: n 2^-26 of roundings that are made up for, a few of every value's. Inputs 2^-132 beside the largest are rounded up
 * to that.
 */
const mostAbove = (n: number): number => 1 + n * 2 ** -26 + 2 ** -20;

const largest = (values: Iterable<number>): number => [...values].reduce((most, v) => Math.max(most, Math.abs(v)), 0);

const random = seededRandom(17);
const spread = (decades: number): number => random.normal() * 10 ** (decades * (random.uniform() - 0.5));

describe('magnitudes in f32', () => {
  it.each([
    ['values like a model’s', 1, 1],
    ['weights that reach over 60 decades', 60, 1],
    ['inputs that reach over 60 decades', 1, 60],
    ['inputs that reach over 500 decades', 20, 500],
    ['subnormal weights beside small inputs', 75, 80],
  ])('are never below those in f64, and hardly above them: %s', (_, ofWeights, ofInputs) => {
    for (const n of [1, 5, 8, 64, 2048, 12_288]) {
      for (let round = 0; round < 20; round++) {
        const w = Float32Array.from({ length: n }, () => spread(ofWeights));
        const x = Float64Array.from({ length: n }, () => spread(ofInputs));
        const [sum, exact] = [inF32(w, x), exactly(w, x)];
        expect(sum).toBeGreaterThanOrEqual(exact);
        expect(sum).toBeLessThanOrEqual(exact * mostAbove(n) + n * 2 ** -131 * largest(w) * largest(x));
      }
    }
  });

  it('make up for every rounding of a sum whose terms are all rounded down', () => {
    // 1 + 2^-24 of each lane's sum is lost again and again.
    for (const n of [2048, 65_536]) {
      const w = new Float32Array(n).fill(2 ** -12.5);
      w.fill(1, 0, 8);
      const x = new Float64Array(n).fill(2 ** -12.5);
      x.fill(1, 0, 8);
      expect(inF32(w, x)).toBeGreaterThanOrEqual(exactly(w, x));
    }
  });

  it('stay finite as long as those in f64 do', () => {
    const largest = 3.4028234663852886e38;
    expect(inF32(new Float32Array(2048).fill(largest), new Float64Array(2048).fill(1))).toBeLessThan(1e42);
    expect(inF32(Float32Array.of(1, 2), Float64Array.of(1e300, -1e300))).toBeLessThan(3.1e300);
    expect(inF32(Float32Array.of(1), Float64Array.of(1.7e308))).toBeLessThan(1.71e308);
    expect(inF32(new Float32Array(8), new Float64Array(8))).toBeGreaterThanOrEqual(8 * TINY * TINY);
  });

  it.each([
    ['an infinite weight', [Infinity, 1], [0, 1]],
    ['an infinite input', [0, 1], [-Infinity, 1]],
    ['a weight that is no number', [NaN, 1], [1, 1]],
    ['an input that is no number', [1, 1], [1, NaN]],
  ])('promise nothing beside %s', (_, w, x) => {
    expect(Number.isFinite(inF32(Float32Array.from(w), Float64Array.from(x)))).toBe(false);
  });
});
