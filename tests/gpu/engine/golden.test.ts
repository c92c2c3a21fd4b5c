import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { GOLDEN_MODELS, goldenPrompts, loadGolden, relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { captureAll, forward, openGolden } from '../../cpu/support';

/**
 * Relative RMS of a free-running f32 pass against float64, at the worst stage. Rounding to f32 is 3e-8 a value; sums of 256 products
 * and four layers bring it to some 1e-6 at most. Long prompts sum over 300 keys besides.
 */
const LIMIT = 1e-5;
const LONG_LIMIT = 2e-5;

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

const cases = ['tiny-moe-6x16', ...GOLDEN_MODELS].flatMap((model) =>
  goldenPrompts(model).map((prompt) => ({ model, prompt })),
);

describe('the GPU engine', () => {
  it.each(cases)('agrees with $model $prompt at every stage', async ({ model: name, prompt }) => {
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, prompt);
    const engine = createGpuEngine({ context, model, hparams });
    const run = await forward(engine, hparams, golden.tokens, { capture: captureAll(golden.positions) });
    await engine.dispose();
    await model.close();

    expect(golden.held.length).toBeGreaterThan(prompt.startsWith('p300') ? 15 : 20);
    const limit = prompt.startsWith('p300') ? LONG_LIMIT : LIMIT;
    const wrong = golden.held.flatMap(({ stage, layer }) => {
      const expected = golden.stage(stage, layer);
      const actual = run.captured(stage, layer);
      if (expected === undefined) return [`${stage} ${String(layer)}: no golden`];
      expect(actual.shape, stage).toEqual(expected.shape);
      if (stage === 'moe_router_indices') {
        expect([...actual.data], `${stage} of layer ${String(layer)}`).toEqual([...expected.data]);
        return [];
      }
      const error = relativeRms(actual.data, expected.data);
      return error <= limit ? [] : [`${stage} ${String(layer)}: ${error}`];
    });
    expect(wrong).toEqual([]);
  });
});
