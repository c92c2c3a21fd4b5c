import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { topK } from '../../../src/ops/top-k/exact';
import type { GpuContext } from '../../../src/gpu/device';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { testContext } from '../../support/gpu';
import { inputValues as values } from '../../../src/selftest/inputs';
import { runKernel } from './support';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

async function run(probs: Float32Array<ArrayBuffer>, nExpert: number, nUsed: number): Promise<readonly number[]> {
  const tokens = probs.length / nExpert;
  const params = { count: probs.length, nExpert, nUsed };
  const grid = linearGrid(probs.length, 64);
  return [...(await runKernel(context, 'topK', { probs }, tokens * nUsed, params, grid))];
}

function twin(probs: Float32Array, nExpert: number, nUsed: number): readonly number[] {
  const tokens = probs.length / nExpert;
  const out = new Uint32Array(tokens * nUsed);
  const wide = Float64Array.from(probs);
  for (let t = 0; t < tokens; t++) topK(wide, t * nExpert, nExpert, nUsed, out, t * nUsed);
  return [...out];
}

describe('top_k', () => {
  it.each([
    [1, 1, 1],
    [3, 3, 1],
    [3, 3, 3],
    [7, 10, 4],
    [2, 60, 8],
    [5, 64, 1],
    [3, 65, 6],
    [40, 128, 8],
  ])('of %i tokens among %i experts takes %i as the reference does', async (tokens, nExpert, nUsed) => {
    const probs = values('normal', tokens * nExpert, nExpert);
    expect(await run(probs, nExpert, nUsed)).toEqual(twin(probs, nExpert, nUsed));
  });

  it('gives ties to the lower index', async () => {
    expect(await run(Float32Array.of(1, 2, 2, 1, 2), 5, 4)).toEqual([1, 2, 4, 0]);
    expect(await run(new Float32Array(6), 6, 3)).toEqual([0, 1, 2]);
  });

  it('ranks zeros alike, subnormals by value, infinity first and NaN last', async () => {
    const probs = Float32Array.of(NaN, -0, 0, 1e-45, -Infinity, Infinity, -1e-45, 1);
    expect(await run(probs, 8, 8)).toEqual([5, 7, 3, 1, 2, 6, 4, 0]);
    expect(await run(new Float32Array(4).fill(NaN), 4, 3)).toEqual([0, 1, 2]);
  });

  it('gives different experts in range for any bits at all', async () => {
    const bits = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(bits, async (words) => {
        const chosen = await run(new Float32Array(Uint32Array.from(words).buffer), 12, 5);
        expect(new Set(chosen).size).toBe(5);
        expect(Math.max(...chosen)).toBeLessThan(12);
      }),
      { numRuns: 30, seed: 1 },
    );
  });
});
