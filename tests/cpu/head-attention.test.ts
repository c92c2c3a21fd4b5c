import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { headAttention, plainAttention, simdAttention } from '../../src/cpu/kernels/head-attention';
import type { HeadProducts } from '../../src/ops/exact-op';

const SHAPES = [
  { headDim: 2, heads: 1, positions: 1 },
  { headDim: 6, heads: 3, positions: 5 },
  { headDim: 16, heads: 2, positions: 8 },
  { headDim: 80, heads: 1, positions: 33 },
  { headDim: 128, heads: 4, positions: 300 },
];
const EXTREMES = [0, -0, 1e-320, -1e-310, 1e300, -1e300, Infinity, -Infinity, NaN];

describe.each(SHAPES)(
  'attention over $positions positions, $heads heads of $headDim',
  ({ headDim, heads, positions }) => {
    const kvDim = headDim * heads;
    it('has the bits of the plain loops in WebAssembly, extreme values among them', () => {
      for (let round = 0; round < 12; round++) {
        const random = seededRandom(100 * headDim + round);
        const pick = (): number =>
          round < 6 || random.below(6) > 0 ? random.normal() : (EXTREMES[random.below(round < 9 ? 4 : 9)] ?? 0);
        const many = (n: number): Float64Array<ArrayBuffer> => Float64Array.from({ length: n }, pick);
        // Longer than what is used: a cache has room for what comes.
        const kv = {
          keys: many((positions + 2) * kvDim),
          values: many((positions + 2) * kvDim),
          positions,
          kvDim,
          headDim,
          divisor: Math.sqrt(headDim),
        };
        const simd = simdAttention(kv);
        if (simd === undefined) throw new Error('this Node has no WebAssembly SIMD');
        const q = many(2 * headDim + 3);
        const weights = many(positions);
        const nKeys = 1 + random.below(positions);
        const channel = headDim * random.below(heads);
        const run = (attention: HeadProducts): readonly number[] => {
          const scores = new Float64Array(nKeys + 4).fill(77);
          attention.scores(q, 3, channel, nKeys, scores, 2);
          const out = new Float64Array(headDim + 4).fill(77);
          attention.values(weights, channel, nKeys, out, 2);
          return [...scores, ...out];
        };
        expect(run(simd)).toEqual(run(plainAttention(kv)));
        simd.release();
      }
    });
  },
);

it('takes WebAssembly where copying pays, and gives the memory back', () => {
  for (const positions of [1, 40]) {
    const kv = {
      keys: new Float64Array(positions * 4).fill(1),
      values: new Float64Array(positions * 4).fill(2),
      positions,
      kvDim: 4,
      headDim: 4,
      divisor: 2,
    };
    for (let round = 0; round < 3; round++) {
      const attention = headAttention(kv);
      const out = new Float64Array(4);
      attention.values(new Float64Array(positions).fill(0.5), 0, positions, out, 0);
      expect([...out]).toEqual([positions, positions, positions, positions]);
      attention.release();
    }
  }
});
