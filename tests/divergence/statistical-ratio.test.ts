import { describe, expect, it } from 'vitest';
import { gamma } from '../../src/base/f32-error';
import { seededRandom } from '../../src/base/random';
import { matmulBound } from '../../src/ops/linear/bound';
import { RATIO_BINS, ratioBin } from '../../src/divergence/ratio-bins';
import { statisticalRatio } from '../../src/divergence/statistical-ratio';

/** A row of products summed in f64, in f32 and with 14 bits. */
function sums(n: number): { exact: number; single: number; coarse: number; magnitude: number } {
  const random = seededRandom(n);
  const { fround } = Math;
  const coarse = (x: number): number => {
    const step = 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) - 14);
    return Math.round(x / step) * step;
  };
  const out = { exact: 0, single: 0, coarse: 0, magnitude: 0 };
  for (let j = 0; j < n; j++) {
    const term = fround(random.normal()) * fround(random.normal());
    out.exact += term;
    out.single = fround(out.single + fround(term));
    out.coarse = coarse(out.coarse + coarse(term));
    out.magnitude += Math.abs(term);
  }
  return out;
}

describe('the statistical estimate', () => {
  it.each([64, 256, 2048])('is error / (sqrt(n) 2^-24 B), and never above it: n %d', (n) => {
    const { exact, single, magnitude } = sums(n);
    const [bound = 0] = matmulBound([exact], Float64Array.of(magnitude), n);
    const error = Math.abs(single - exact);
    const direct = error / (Math.sqrt(n) * 2 ** -24 * magnitude);
    const found = statisticalRatio(error / bound, n);
    expect(found).toBeLessThanOrEqual(direct);
    expect(found).toBeGreaterThan(0.97 * direct);
  });

  it('tells 14 bits from single precision where the worst case does not', () => {
    const n = 2048;
    const { exact, single, coarse, magnitude } = sums(n);
    const [bound = 0] = matmulBound([exact], Float64Array.of(magnitude), n);
    const ratios = [single, coarse].map((value) => Math.abs(value - exact) / bound);
    expect(ratios.every((ratio) => ratio < 1)).toBe(true);
    const [ofSingle = 0, ofCoarse = 0] = ratios.map((ratio) => statisticalRatio(ratio, n));
    expect(ofSingle).toBeLessThan(1);
    expect(ofCoarse).toBeGreaterThan(1);
    expect(ofCoarse).toBeGreaterThan(100 * ofSingle);
  });
});

describe('sums of 32 terms at a time', () => {
  /** The sum with so many bits. */
  function chunked(n: number, bits: number): { ratio: number; exact: number } {
    const random = seededRandom(n);
    const rounded = (x: number): number => {
      const step = 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) - bits + 1);
      return Math.round(x / step) * step;
    };
    let [exact, sum, magnitude] = [0, 0, 0];
    for (let chunk = 0; chunk < n; chunk += 32) {
      let part = 0;
      for (let j = chunk; j < Math.min(n, chunk + 32); j++) {
        const term = Math.fround(random.normal()) * Math.fround(random.normal());
        exact += term;
        magnitude += Math.abs(term);
        part = rounded(part + rounded(term));
      }
      sum = rounded(sum + part);
    }
    const [bound = 0] = matmulBound([exact], Float64Array.of(magnitude), n, 'chunked');
    return { ratio: Math.abs(sum - exact) / bound, exact };
  }

  it.each([256, 768, 2048, 4096])('have a bound that honest ones keep and 14 bits break: n %d', (n) => {
    expect(chunked(n, 24).ratio).toBeLessThan(0.1);
    expect(chunked(n, 14).ratio).toBeGreaterThan(1);
    const [any = 0] = matmulBound([1], Float64Array.of(1), n);
    const [depth = 0] = matmulBound([1], Float64Array.of(1), n, 'chunked');
    expect(any / depth).toBeGreaterThan(5);
    expect(statisticalRatio(1, n, 'chunked')).toBeCloseTo(
      statisticalRatio(1, n) / (gammaOf(n) / gammaOf(32 + n / 32)),
      6,
    );
  });

  const gammaOf = (k: number): number => gamma(k + 6);
});

describe('the bins of ratios', () => {
  it.each([
    [0, 0],
    [1e-9, 1],
    [1e-8, 1],
    [1.1e-8, 2],
    [0.5, 9],
    [1, 9],
    [1.0001, 10],
    [10, 10],
    [11, 11],
    [Infinity, 11],
    [NaN, 11],
  ])('%d is in bin %d', (ratio, bin) => {
    expect(ratioBin(ratio)).toBe(bin);
    expect(bin).toBeLessThan(RATIO_BINS);
  });
});
