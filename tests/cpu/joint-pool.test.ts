import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import type { CpuPool, MatmulJob } from '../../src/cpu/pool/cpu-pool';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { jointPool } from '../../src/cpu/pool/joint-pool';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { boundWeight } from '../../src/model/bound-weights';
import { makeModel } from '../support/gguf-models';

/** A pool that counts, its model's matrices, and jobs of theirs. */
async function setup() {
  const model = await openModel([memorySource(makeModel({}), 'made.gguf')]);
  const hparams = readHParams(model);
  const inline = createInlinePool(model);
  const runs: (readonly MatmulJob[])[] = [];
  const expected: number[] = [];
  const pool: CpuPool = {
    ...inline,
    run: (jobs, options) => {
      runs.push(jobs);
      return inline.run(jobs, options);
    },
    expect: (jobs) => expected.push(...jobs.map(({ nTokens }) => nTokens)),
  };
  const random = seededRandom(7);
  const job = (role: Parameters<typeof boundWeight>[2], nTokens: number, magnitudes: number, expert = 0): MatmulJob => {
    const { tensor } = boundWeight(model, hparams, role, 0);
    const [nIn = 0, rows = 0] = tensor.dims;
    const x = Float64Array.from({ length: nTokens * nIn }, () => random.normal());
    return { tensor, firstRow: expert * rows, rows, nTokens, x, magnitudes };
  };
  return { inline, pool, runs, expected, job };
}

describe('joint pool', () => {
  it('multiplies a weight once for all walks: the bits of each alone, magnitudes where they were asked for', async () => {
    const { inline, pool, runs, job } = await setup();
    const asked = [
      [job('ffn_gate_exps', 2, 0, 0), job('ffn_gate_exps', 1, 0, 2)],
      [job('ffn_gate_exps', 3, 3, 1), job('ffn_gate_exps', 2, 2, 2)],
    ];
    const name = asked[0]?.[0]?.tensor.name ?? '';
    const members = jointPool(pool, [
      { tensors: [name], nTokens: 2 },
      { tensors: [name], nTokens: 3 },
    ]);
    const results = await Promise.all(members.map((member, i) => member.run(asked[i] ?? [], {})));
    expect(runs.map((jobs) => jobs.map(({ firstRow, nTokens }) => [firstRow, nTokens]))).toHaveLength(1);
    // Experts 0, 2 (of both) and 1.
    expect(runs[0]?.map(({ nTokens, magnitudes }) => [nTokens, magnitudes])).toEqual([
      [2, 0],
      [3, 2],
      [3, 3],
    ]);
    for (const [i, jobs] of asked.entries()) expect(results[i]).toEqual(await inline.run(jobs, {}));
  });

  it('waits only for walks that will come to the weight, in whatever order they pass', async () => {
    const { inline, pool, runs, job } = await setup();
    const q = job('attn_q', 2, 0);
    const k = job('attn_k', 2, 0);
    const v = job('attn_v', 1, 1);
    const [first, second] = jointPool(pool, [
      { tensors: [q.tensor.name, k.tensor.name], nTokens: 2 },
      { tensors: [v.tensor.name, k.tensor.name], nTokens: 1 },
    ]);
    expect(await first?.run([q], {})).toEqual(await inline.run([q], {}));
    const waiting = first?.run([k], {});
    expect(await second?.run([v], {})).toEqual(await inline.run([v], {}));
    expect(runs).toHaveLength(2);
    // A walk that ends early frees those who wait for it.
    second?.leave();
    expect(await waiting).toEqual(await inline.run([k], {}));

    const crossed = jointPool(pool, [
      { tensors: [q.tensor.name, k.tensor.name], nTokens: 2 },
      { tensors: [k.tensor.name, q.tensor.name], nTokens: 2 },
    ]);
    const walk = async (i: number, jobs: readonly MatmulJob[]): Promise<void> => {
      for (const one of jobs) expect(await crossed[i]?.run([one], {})).toEqual(await inline.run([one], {}));
      crossed[i]?.leave();
    };
    await Promise.all([walk(0, [q, k]), walk(1, [k, q])]);
  });

  it('tells every walk of a failure, and expects dense weights for the tokens of all', async () => {
    const { pool, expected, job } = await setup();
    const q = job('attn_q', 2, 0);
    const walk = { tensors: [q.tensor.name], nTokens: 2 };
    const members = jointPool({ ...pool, run: () => Promise.reject(new Error('gone')) }, [walk, walk]);
    const results = await Promise.allSettled(members.map((member) => member.run([q], {})));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    members[0]?.expect([q, job('ffn_up_exps', 1, 0)]);
    expect(expected).toEqual([4, 1]);
  });
});
