import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { attentionScores } from '../../src/ops/attention-scores/exact';
import { attentionValues } from '../../src/ops/attention-values/exact';
import { dot, DOT_LANES } from '../../src/cpu/kernels/dot';
import { MIN_WEIGHT_SUM } from '../../src/arch/operations';
import { normalise } from '../../src/ops/normalise/exact';
import { rmsnorm } from '../../src/ops/rmsnorm/exact';
import { rope, ropeTable } from '../../src/ops/rope/exact';
import { softmax } from '../../src/ops/softmax/exact';
import { swiglu } from '../../src/ops/swiglu/exact';
import { topK } from '../../src/ops/top-k/exact';
import { weightedSum } from '../../src/ops/weighted-sum/exact';

function normals(n: number, seed: number): Float64Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float64Array.from({ length: n }, () => random.normal());
}

describe('dot', () => {
  it.each([1, 7, 8, 9, 13, 32, 61, 256])('adds %i elements in its documented order, bit for bit', (n) => {
    const w = Float32Array.from(normals(n, n));
    const x = normals(n + 3, n + 1);
    const lanes = new Float64Array(DOT_LANES);
    for (let j = 0; j < n; j++) lanes[j % DOT_LANES]! += w[j]! * x[3 + j]!;
    const [a, b, c, d, e, f, g, h] = [...lanes] as [number, number, number, number, number, number, number, number];
    expect(dot(w, x, 3, n)).toBe(a + b + (c + d) + (e + f + (g + h)));
  });

  it('lets NaN and infinity through', () => {
    expect(dot(Float32Array.of(1, NaN), Float64Array.of(0, 0), 0, 2)).toBeNaN();
    expect(dot(Float32Array.of(Infinity, 1), Float64Array.of(1, 1), 0, 2)).toBe(Infinity);
    expect(dot(Float32Array.of(Infinity), Float64Array.of(0), 0, 1)).toBeNaN();
  });
});

describe('rmsnorm', () => {
  it('divides by the root mean square and takes eps inside the root', () => {
    const out = new Float64Array(4);
    rmsnorm(Float64Array.of(9, 3, 4), 1, Float32Array.of(1, 2), 0.5, out, 1);
    const root = Math.sqrt(12.5 + 0.5);
    expect([...out]).toEqual([0, 3 * (1 / root), 4 * (1 / root) * 2, 0]);
  });

  it('gives zeros for zeros, and NaN everywhere for one NaN', () => {
    const out = new Float64Array(2);
    rmsnorm(Float64Array.of(0, 0), 0, Float32Array.of(1, 1), 1e-6, out, 0);
    expect([...out]).toEqual([0, 0]);
    rmsnorm(Float64Array.of(1, NaN), 0, Float32Array.of(1, 1), 1e-6, out, 0);
    expect([...out]).toEqual([NaN, NaN]);
  });
});

describe('rope', () => {
  it('turns pairs (i, i + half) by position * theta^(-2i / headDim)', () => {
    const theta = 10_000;
    const out = new Float64Array(4);
    rope(Float64Array.of(1, 0, 0, 1), 0, ropeTable(3, { theta, dims: 4 }), out, 0);
    const angle = 3 * theta ** -0.5;
    expect(out[0]).toBe(Math.cos(3));
    expect(out[2]).toBe(Math.sin(3));
    expect(out[1]).toBe(-Math.sin(angle));
    expect(out[3]).toBe(Math.cos(angle));
  });

  it('leaves position 0 alone', () => {
    const x = normals(8, 5);
    const out = new Float64Array(8);
    rope(x, 0, ropeTable(0, { theta: 1e6, dims: 8 }), out, 0);
    expect([...out]).toEqual([...x]);
  });
});

describe('attention', () => {
  it('scales by the root of the head size and reads the right channels', () => {
    // Two kv heads of 2: channels 2 and 3 are the second.
    const keys = Float64Array.of(9, 9, 1, 2, 9, 9, 3, 4);
    const out = new Float64Array(3);
    attentionScores(Float64Array.of(0, 5, 7), 1, keys, 2, 4, 2, 2, out, 1);
    expect([...out]).toEqual([0, (5 + 14) / Math.SQRT2, (15 + 28) / Math.SQRT2]);
    const values = new Float64Array(2);
    attentionValues(Float64Array.of(0.25, 0.75), 0, 2, keys, 2, 4, 2, values, 0);
    expect([...values]).toEqual([0.25 * 1 + 0.75 * 3, 0.25 * 2 + 0.75 * 4]);
  });
});

describe('softmax', () => {
  it('sums to 1 and survives large inputs', () => {
    const x = Float64Array.of(1e4, 1e4 - 1, -1e4);
    softmax(x, 0, 3);
    expect(x[0]! + x[1]! + x[2]!).toBeCloseTo(1, 15);
    expect(x[0]! / x[1]!).toBeCloseTo(Math.E, 12);
    expect(x[2]).toBe(0);
  });

  it.each([NaN, Infinity])('makes everything NaN for one %d', (bad) => {
    const x = Float64Array.of(1, bad, 2);
    softmax(x, 0, 3);
    expect([...x]).toEqual([NaN, NaN, NaN]);
  });

  it('gives -Infinity no weight', () => {
    const x = Float64Array.of(1, -Infinity);
    softmax(x, 0, 2);
    expect([...x]).toEqual([1, 0]);
  });
});

describe('topK', () => {
  const chosen = (p: readonly number[], k: number): readonly number[] => {
    const out = new Uint32Array(k);
    topK(Float64Array.from(p), 0, p.length, k, out, 0);
    return [...out];
  };

  it('descends, ties to the lower index', () => {
    expect(chosen([0.1, 0.4, 0.1, 0.4, 0.3], 4)).toEqual([1, 3, 4, 0]);
    expect(chosen([0, -0, 0], 3)).toEqual([0, 1, 2]);
  });

  it('puts NaN last, behind -Infinity, and NaNs in order of index', () => {
    expect(chosen([NaN, 0.2, NaN, 0.1], 3)).toEqual([1, 3, 0]);
    expect(chosen([NaN, -Infinity, NaN], 3)).toEqual([1, 0, 2]);
    expect(chosen([NaN, NaN, NaN, NaN], 2)).toEqual([0, 1]);
  });

  it('agrees with a stable sort on 60 random experts with repeats', () => {
    const random = seededRandom(4);
    for (let round = 0; round < 50; round++) {
      const p = Array.from({ length: 60 }, () => random.below(20) / 20);
      const sorted = p.map((_, i) => i).sort((a, b) => p[b]! - p[a]! || a - b);
      expect(chosen(p, 9)).toEqual(sorted.slice(0, 9));
    }
  });
});

describe('renormalise', () => {
  const weights = (p: readonly number[], experts: readonly number[]): readonly number[] => {
    const out = new Float64Array(experts.length);
    normalise(Float64Array.from(p), 0, Uint32Array.from(experts), 0, experts.length, out, 0);
    return [...out];
  };

  it('makes the chosen weights sum to 1', () => {
    expect(weights([0.25, 0.5, 0.25], [1, 0])).toEqual([0.5 / 0.75, 0.25 / 0.75]);
  });

  it('clamps the divisor at 2^-14 and keeps NaN', () => {
    expect(weights([2 ** -20, 0], [0, 1])).toEqual([2 ** -20 / MIN_WEIGHT_SUM, 0]);
    expect(weights([NaN, 0.5], [1, 0])).toEqual([NaN, NaN]);
  });
});

describe('swiglu', () => {
  it('is gate * sigmoid(gate) * up, without overflow', () => {
    const out = swiglu(Float64Array.of(0, 2, -1000, 1000, NaN), Float64Array.of(3, 5, 7, 2, 1));
    expect([...out]).toEqual([0, (2 / (1 + Math.exp(-2))) * 5, -0, 2000, NaN]);
  });
});

describe('weightedSum', () => {
  it('adds the slots in order', () => {
    const y = Float64Array.of(1e16, 1, -1e16, 2, 3, 4);
    expect([...weightedSum(Float64Array.of(1, 1, 1), y, 1, 3, 2)]).toEqual([1e16 - 1e16 + 3, 1 + 2 + 4]);
  });
});
