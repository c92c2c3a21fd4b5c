import { describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random';
import { addBound } from '../../src/ops/add/bound';
import { scoreBound } from '../../src/ops/attention-scores/bound';
import { valueBounds } from '../../src/ops/attention-values/bound';
import { matmulBound } from '../../src/ops/linear/bound';
import { normaliseBound } from '../../src/ops/normalise/bound';
import { rmsnormBound } from '../../src/ops/rmsnorm/bound';
import { ropeBound } from '../../src/ops/rope/bound';
import { rescalesOver } from '../../src/base/f32-error';
import { RESCALES } from '../../src/fusions/attention/attention-plan';
import { softmaxBound } from '../../src/ops/softmax/bound';
import { swigluBound } from '../../src/ops/swiglu/bound';
import { weightedSumBound } from '../../src/ops/weighted-sum/bound';
import { add } from '../../src/ops/add/exact';
import { attentionValues } from '../../src/ops/attention-values/exact';
import { dot } from '../../src/cpu/kernels/dot';
import { plainRows } from '../../src/cpu/kernels/plain-rows';
import { normalise } from '../../src/ops/normalise/exact';
import { rmsnorm } from '../../src/ops/rmsnorm/exact';
import { rope, ropeTable } from '../../src/ops/rope/exact';
import { softmax } from '../../src/ops/softmax/exact';
import { swiglu } from '../../src/ops/swiglu/exact';
import { weightedSum } from '../../src/ops/weighted-sum/exact';
import { arithmetics, f32Dot, f32DotLanes, f32DotTree, type F32Arithmetic } from './f32-arithmetic';

const SEED = 20_261;
/** Sizes of activations: from nothing to what breaks f32 kernels that do not scale. */
const SCALES = [0, 1e-39, 1e-22, 1e-6, 1, 50, 1e4];
const LENGTHS = [1, 2, 31, 64, 257, 768];

/** f64 activations, with a few zeros and outliers. */
function activations(n: number, scale: number, random: Random): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: n }, () => {
    const kind = random.below(20);
    return kind === 0 ? 0 : random.normal() * scale * (kind === 1 ? 30 : 1);
  });
}

/** What the kernel is fed: f32 roundings. */
function fed(x: Float64Array): Float32Array {
  return Float32Array.from(x);
}

interface Case {
  readonly exact: Float64Array;
  readonly bound: Float64Array;
  /** The honest f32 kernel. */
  readonly kernel: (f: F32Arithmetic) => readonly number[];
}

/** The largest error / bound of the kernels under every arithmetic; checks that none exceeds 1. */
function largestRatio(cases: readonly Case[], random: Random): number {
  let largest = 0;
  for (const { exact, bound, kernel } of cases) {
    for (const f of arithmetics(random)) {
      const values = kernel(f);
      expect(values).toHaveLength(exact.length);
      values.forEach((value, i) => {
        const error = Math.abs(value - Math.fround(exact[i]!));
        const ratio = error === 0 ? 0 : error / Math.fround(bound[i]!);
        if (!(ratio <= 1)) throw new Error(`${f.name}: ${value} for ${exact[i]}, error ${error}, bound ${bound[i]}`);
        largest = Math.max(largest, ratio);
      });
    }
  }
  return largest;
}

function grid(make: (n: number, scale: number, random: Random) => Case): { cases: readonly Case[]; random: Random } {
  const random = seededRandom(SEED);
  return { cases: LENGTHS.flatMap((n) => SCALES.map((scale) => make(n, scale, random))), random };
}

describe('the worst f32 kernel that WGSL allows stays below the bound', () => {
  it('of a matrix product', () => {
    const { cases, random } = grid((n, scale, r) => {
      const w = Float32Array.from(activations(n, r.below(4) === 0 ? 1e-38 : 0.05, r), Math.abs);
      // Terms of one sign: nothing cancels, and errors of one direction add up.
      const x = activations(n, scale, r).map(r.below(2) === 0 ? Math.abs : (v) => v);
      const bytes = new Uint8Array(w.buffer);
      const products = plainRows({ type: 'F32', bytes, rows: 1, nIn: n, x, nTokens: 1, magnitudes: 1 });
      products.multiply(0, 1);
      const magnitude = products.magnitudes()?.[0] ?? NaN;
      const exact = Float64Array.of(dot(w, x, 0, n), dot(w, x, 0, n));
      const bound = matmulBound(exact, Float64Array.of(magnitude, magnitude), n);
      return { exact, bound, kernel: (f) => [f32Dot(f, w, fed(x)), f32DotTree(f, w, fed(x))] };
    });
    // Rounding always up makes the sequential sum's error grow with n, as gamma_n does: the bound is within a small factor.
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of RMSNorm', () => {
    const eps = 2 ** -20;
    const { cases, random } = grid((n, scale, r) => {
      const x = activations(n, scale, r);
      const weight = Float32Array.from(activations(n, 1, r));
      const exact = new Float64Array(n);
      const bound = new Float64Array(n);
      rmsnorm(x, 0, weight, eps, exact, 0);
      rmsnormBound(x, 0, weight, eps, bound, 0);
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const xs = fed(x);
        const mean = f.divide(f32DotLanes(f, xs, xs), n);
        const root = f.inverseSqrt(f.round(mean + eps));
        return [...weight].map((w, i) => f.round(f.round(xs[i]! * root) * w));
      };
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.1);
  });

  it('of RoPE', () => {
    const { cases, random } = grid((n, scale, r) => {
      const x = activations(2 * n, scale, r);
      const position = r.below(40_000);
      const table = ropeTable(position, { theta: 1e6, dims: 2 * n });
      const exact = new Float64Array(2 * n);
      const bound = new Float64Array(2 * n);
      rope(x, 0, table, exact, 0);
      ropeBound(x, 0, table, position, bound, 0);
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const xs = fed(x);
        const [cos, sin] = [fed(table.cos), fed(table.sin)];
        const first = [...cos].map((c, i) => f.round(f.round(xs[i]! * c) - f.round(xs[n + i]! * sin[i]!)));
        const second = [...cos].map((c, i) => f.round(f.round(xs[i]! * sin[i]!) + f.round(xs[n + i]! * c)));
        return [...first, ...second];
      };
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of attention scores', () => {
    const { cases, random } = grid((n, scale, r) => {
      const q = activations(n, scale, r);
      const k = activations(n, 3, r);
      const root = Math.sqrt(n);
      const product = q.reduce((sum, value, d) => sum + value * k[d]!, 0) / root;
      const exact = Float64Array.of(product, product);
      const bound = Float64Array.of(scoreBound(q, 0, k, 0, n), scoreBound(q, 0, k, 0, n));
      const kernel = (f: F32Arithmetic): readonly number[] => [
        f.round(f32Dot(f, fed(q), fed(k)) * Math.fround(1 / root)),
        f.divide(f32DotTree(f, fed(q), fed(k)), Math.fround(root)),
      ];
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.1);
  });

  it('of softmax', () => {
    const { cases, random } = grid((n, scale, r) => {
      const x = activations(n, scale, r);
      const exact = x.slice();
      const bound = new Float64Array(n);
      softmax(exact, 0, n);
      softmaxBound(x, 0, n, bound, 0);
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const xs = fed(x);
        const max = xs.reduce((a, b) => Math.max(a, b));
        const e = [...xs].map((value) => f.exp(f.round(value - max)));
        const sum = e.reduce((a, b) => f.round(a + b));
        return e.map((value) => f.divide(value, sum));
      };
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of attention values', () => {
    const { cases, random } = grid((n, scale, r) => {
      const p = activations(n, 2, r);
      softmax(p, 0, n);
      const v = activations(2 * n, scale, r);
      const exact = new Float64Array(2);
      const bound = new Float64Array(2);
      attentionValues(p, 0, n, v, 0, 2, 2, exact, 0);
      valueBounds(p, n, n, v, 0, 2, 2, exact, bound, 0);
      const column = (d: number): Float32Array => fed(v.filter((_, i) => i % 2 === d));
      return { exact, bound, kernel: (f) => [f32Dot(f, fed(p), column(0)), f32DotTree(f, fed(p), column(1))] };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.1);
  });

  it('of a running softmax, and of values by it', () => {
    const { cases, random } = grid((n, scale, r) => {
      const x = activations(n, scale, r);
      const v = activations(n, 3, r);
      const p = x.slice();
      softmax(p, 0, n);
      const errors = new Float64Array(n);
      softmaxBound(x, 0, n, errors, 0, rescalesOver(RESCALES, n));
      const value = new Float64Array(1);
      const own = new Float64Array(1);
      attentionValues(p, 0, n, v, 0, 1, 1, value, 0);
      valueBounds(p, n, n, v, 0, 1, 1, value, own, 0);
      const spread = errors.reduce((sum, error, k) => sum + error * Math.abs(v[k]!), 0);
      // Eight keys at a time, what is there scaled anew behind each eight.
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const [xs, vs] = [fed(x), fed(v)];
        let [top, sum, out] = [-1e30, 0, 0];
        for (let first = 0; first < n; first += 8) {
          const tile = xs.subarray(first, first + 8);
          const highest = Math.max(top, ...tile);
          const shrink = f.exp(f.round(top - highest));
          [sum, out, top] = [f.round(sum * shrink), f.round(out * shrink), highest];
          for (const [i, score] of tile.entries()) {
            const e = f.exp(f.round(score - highest));
            sum = f.round(sum + e);
            out = f.round(out + f.round(e * vs[first + i]!));
          }
        }
        return [...[...xs].map((score) => f.divide(f.exp(f.round(score - top)), sum)), f.divide(out, sum)];
      };
      const bound = Float64Array.of(...errors, (own[0]! + spread) * (1 + 2 ** -10));
      return { exact: Float64Array.of(...p, value[0]!), bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of renormalised weights', () => {
    const { cases, random } = grid((n, scale, r) => {
      const p = activations(n + 3, Math.min(scale, 20), r);
      softmax(p, 0, n + 3);
      const experts = Uint32Array.from({ length: n }, (_, i) => i + 1);
      const exact = new Float64Array(n);
      const bound = new Float64Array(n);
      normalise(p, 0, experts, 0, n, exact, 0);
      normaliseBound(p, 0, experts, 0, n, bound, 0);
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const chosen = [...experts].map((e) => Math.fround(p[e]!));
        const sum = chosen.reduce((a, b) => f.round(a + b));
        return chosen.map((value) => f.divide(value, Math.max(sum, 2 ** -14)));
      };
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of SwiGLU, in both ways to write silu', () => {
    const { cases, random } = grid((n, scale, r) => {
      const gate = activations(n, Math.min(scale, 40), r);
      const up = activations(n, 2, r);
      const values = swiglu(gate, up);
      const bounds = swigluBound(gate, up);
      const kernel = (f: F32Arithmetic): readonly number[] => {
        const [g, u] = [fed(gate), fed(up)];
        const plain = [...g].map((x, i) => f.round(f.divide(x, f.round(1 + f.exp(-x))) * u[i]!));
        const folded = [...g].map((x, i) => {
          const e = f.exp(-Math.abs(x));
          return f.round(f.divide(x < 0 ? f.round(x * e) : x, f.round(1 + e)) * u[i]!);
        });
        return [...plain, ...folded];
      };
      return {
        exact: Float64Array.from([...values, ...values]),
        bound: Float64Array.from([...bounds, ...bounds]),
        kernel,
      };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });

  it('of the weighted sum and of the residual', () => {
    const { cases, random } = grid((n, scale, r) => {
      const weights = activations(n, 0.3, r);
      const y = activations(n, scale, r);
      const sum = weightedSum(weights, y, 1, n, 1);
      const residual = add(weights, y);
      const exact = Float64Array.from([...sum, ...residual]);
      const bound = Float64Array.from([...weightedSumBound(weights, y, sum, 1, n, 1), ...addBound(weights, y)]);
      const kernel = (f: F32Arithmetic): readonly number[] => [
        f32Dot(f, fed(weights), fed(y)),
        ...[...fed(weights)].map((w, i) => f.round(w + fed(y)[i]!)),
      ];
      return { exact, bound, kernel };
    });
    expect(largestRatio(cases, random)).toBeGreaterThan(0.2);
  });
});

describe('a bound', () => {
  it('is crossed by small defects: one part in ten thousand of a norm, a softmax over one key too few', () => {
    const random = seededRandom(3);
    const x = activations(64, 1, random);
    const weight = new Float32Array(64).fill(1);
    const [exact, bound] = [new Float64Array(64), new Float64Array(64)];
    rmsnorm(x, 0, weight, 1e-6, exact, 0);
    rmsnormBound(x, 0, weight, 1e-6, bound, 0);
    expect(exact.some((value, i) => Math.abs(value * 1e-4) > bound[i]!)).toBe(true);
    const even = new Float64Array(64);
    softmaxBound(even, 0, 64, bound, 0);
    expect(1 / 63 - 1 / 64).toBeGreaterThan(10 * bound[0]!);
  });

  it('promises nothing, and is not NaN, where the reference is not finite', () => {
    expect([...addBound(Float64Array.of(NaN, Infinity, 1), Float64Array.of(1, 1, 1))].slice(0, 2)).toEqual([
      Infinity,
      Infinity,
    ]);
    const out = new Float64Array(2);
    softmaxBound(Float64Array.of(NaN, 1), 0, 2, out, 0);
    expect([...out]).toEqual([Infinity, Infinity]);
    expect([...swigluBound(Float64Array.of(NaN), Float64Array.of(1))]).toEqual([Infinity]);
  });

  it('of a softmax that is never rescaled is the one without rescaling, to the last bits', () => {
    const bound = new Float64Array(3);
    softmaxBound(Float64Array.of(0.25, 2, 4), 0, 3, bound, 0);
    // Relative errors summed as they are: (1 + error) - 1 would be off by 7e-11.
    [6.568026222321236e-8, 3.1705617703533325e-7, 0.0000018284032084656188].forEach((expected, i) => {
      expect(Math.abs(bound[i]! / expected - 1)).toBeLessThan(1e-12);
    });
  });

  it('covers inputs so large that f32 cannot tell them apart', () => {
    const x = Float64Array.of(1e12 + 800, 1e12, 0);
    const p = x.slice();
    softmax(p, 0, 3);
    const bound = new Float64Array(3);
    softmaxBound(x, 0, 3, bound, 0);
    const rounded = Float64Array.from(fed(x));
    softmax(rounded, 0, 3);
    rounded.forEach((value, i) => {
      expect(Math.abs(value - p[i]!)).toBeLessThanOrEqual(bound[i]!);
    });
    expect(bound[2]).toBeLessThan(1e-30);
  });
});
