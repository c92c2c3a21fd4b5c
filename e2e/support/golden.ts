import { expect, test } from '@playwright/test';
import { GOLDEN_MODELS, goldenPrompts, loadGolden, relativeRms, type Golden } from '../../tests/support/golden';
import type { HarnessRun, HarnessTap } from '../harness/protocol';
import { startHarness, type HarnessPage, type HarnessServer } from '../harness/server';

/** Largest relative RMS against the exact tensors: f32 on the GPU, f64 on the reference (taps are rounded to f32). */
const LIMIT = { gpu: 1e-5, 'gpu-isolated': 1e-5, cpu: 2e-7 } as const;
/** Rounding gathers over a long prompt. */
const LONG_PROMPT_LIMIT = 2e-5;

/**
 * One test a golden model: every stage of the given prompts on the GPU, isolated and free, and on the reference, in the browser.
 * @param prompts which of a model's prompts run
 */
export function testGoldens(prompts: (model: string, all: readonly string[]) => readonly string[]): void {
  let server: HarnessServer;
  let harness: HarnessPage;
  test.beforeAll(async ({ browser }) => {
    server = await startHarness();
    harness = await server.load(await browser.newPage());
  });
  test.afterAll(() => server.close());
  for (const model of [...GOLDEN_MODELS, 'tiny-moe-6x16']) {
    test(`every stage of ${model} is right on both sides in the browser`, async () => {
      await harness.open(model);
      const chosen = prompts(model, goldenPrompts(model));
      expect(chosen.length).toBeGreaterThan(0);
      for (const prompt of chosen) {
        const golden = loadGolden(model, prompt);
        const run = await harness.trace(specOf(golden), { taps: true });
        await test.step(prompt, () => {
          checkRun(golden, run);
        });
      }
    });
  }
}

function checkRun(golden: Golden, run: HarnessRun): void {
  expect(run.isSoftware).toBe(true);
  let compared = 0;
  for (const tap of run.taps) {
    const exact = golden.stage(tap.stage, tap.layer);
    if (exact === undefined) continue;
    compared++;
    const where = `${golden.prompt} ${tap.folder} ${tap.stage} ${tap.layer ?? ''}`;
    expect(tap.shape, where).toEqual(exact.shape);
    if (tap.stage === 'moe_router_indices') expect([...uintsOf(tap)], where).toEqual([...exact.data]);
    else expect(relativeRms(floatsOf(tap), exact.data), where).toBeLessThan(limitOf(tap, golden.prompt));
  }
  // Three folders: gpu, gpu-isolated, cpu.
  expect(compared).toBe(3 * golden.held.length);
  expect(run.status, run.sentence).toBe('match');
  expect(run.worst).toBeLessThanOrEqual(1);
}

function specOf(golden: Golden) {
  const first = golden.positions[0] ?? 0;
  return {
    tokens: [...golden.tokens],
    arms: ['gpu', 'cpu'],
    mode: 'both',
    stages: 'all',
    layers: 'all',
    positions: `${first}..${golden.tokens.length}`,
  } as const;
}

function limitOf(tap: HarnessTap, prompt: string): number {
  if (tap.folder === 'cpu') return LIMIT.cpu;
  return prompt.startsWith('p300') ? LONG_PROMPT_LIMIT : LIMIT.gpu;
}

function bytesOf(tap: HarnessTap): ArrayBuffer {
  return Uint8Array.from(Buffer.from(tap.base64, 'base64')).buffer;
}

function floatsOf(tap: HarnessTap): Float32Array {
  return new Float32Array(bytesOf(tap));
}

function uintsOf(tap: HarnessTap): Uint32Array {
  return new Uint32Array(bytesOf(tap));
}
