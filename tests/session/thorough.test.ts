import { describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type * as Engines from '../../src/gpu/engine/gpu-engine';
import type { GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { StepResult } from '../../src/model/engine';
import { RUN_PATHS } from '../../src/model/run-paths';
import { goldenModelPath, loadGolden } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

/** SwiftShader compiles the decoder's kernels for half a minute, more beside other tests. */
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });

/** Engines made in some way give another bit in layer 1. */
const broken = vi.hoisted(() => ({ how: undefined as ((options: GpuEngineOptions) => boolean) | undefined }));

vi.mock('../../src/gpu/engine/gpu-engine', async (original) => {
  const real = await original<typeof Engines>();
  return {
    ...real,
    createGpuEngine: (options: GpuEngineOptions) => {
      const engine = real.createGpuEngine(options);
      if (broken.how?.(options) !== true) return engine;
      return {
        ...engine,
        layer: async (...step: Parameters<typeof engine.layer>) => turned(step[0], await engine.layer(...step)),
      };
    },
  };
});

/** The last bit of the first value of token 2 turned round. */
function turned(layer: number, result: StepResult): StepResult {
  const captured = result.captures.get('moe_router_logits');
  if (layer === 1 && captured !== undefined) {
    const words = new Uint32Array(captured.data.buffer, captured.data.byteOffset, captured.data.length);
    const at = (2 * captured.data.length) / captured.positions.length;
    words[at] = (words[at] ?? 0) ^ 1;
  }
  return result;
}

async function run(how?: (options: GpuEngineOptions) => boolean): Promise<Report> {
  broken.how = how;
  const session = await testSession(goldenModelPath('mini-q4_k_m'));
  try {
    const tokens = [...loadGolden('mini-q4_k_m', 'p12').tokens];
    return await session.run({ ...BOTH, mode: 'local,free', tokens, thorough: true, decode: 1 }, recorder());
  } finally {
    await session.dispose();
  }
}

describe('a thorough run', () => {
  it('takes every way of running, and says so', async () => {
    const { verdict, coverage } = await run();
    expect(verdict.sentence).toMatch(/^MATCH: .*; 9 of 9 ways of running agree$/);
    expect(coverage?.paths?.map(({ path, ran }) => [path, ran]).toSorted()).toEqual(
      RUN_PATHS.map(({ id }) => [id, true]).toSorted(),
    );
    const kernels = coverage?.kernels.map(({ kernel }) => kernel);
    expect(kernels).toEqual(expect.arrayContaining(['fusions/attention_tiled', 'attention_scores', 'fusions/qkv']));
  });

  it.each([
    ['evictions', 'a budget that does not hold the weights', ({ budget }: GpuEngineOptions) => budget !== undefined],
    ['slices', 'work cut into many short submits', ({ submitMs }: GpuEngineOptions) => submitMs !== undefined],
    ['tiled', 'attention that stores no scores', ({ fuseAttention }: GpuEngineOptions) => fuseAttention === true],
  ] as const)('names the way that has other bits: %s', async (path, title, how) => {
    const { verdict, coverage } = await run(how);
    expect(verdict.sentence).toBe(
      `DIVERGED: first at layer 1, moe_router_logits, token 2: other bits than the same prompt had before, in 1 captured tensor; the way of running: ${title}`,
    );
    expect(verdict.first).toMatchObject({
      layer: 1,
      stage: 'moe_router_logits',
      position: 2,
      metric: 'bits',
      value: 1,
    });
    expect(coverage?.paths).toContainEqual({ path, ran: true, status: 'diverged' });
  });
});
