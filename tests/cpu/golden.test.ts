import { describe, expect, it } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { GOLDEN_MODELS, goldenPrompts, loadGolden, relativeRms } from '../support/golden';
import { printBits } from '../support/golden-bits';
import { captureAll, forward, openGolden } from './support';

/**
 * Relative RMS between two float64 computations of the same tensor, both rounded to f32: the rounding is 2^-25 RMS (3e-8) a side;
 * 2e-7 leaves room for different summation orders and sin/cos.
 */
const GOLDEN_LIMIT = 2e-7;

const cases = ['tiny-moe-6x16', ...GOLDEN_MODELS].flatMap((model) =>
  goldenPrompts(model).map((prompt) => ({ model, prompt })),
);

describe('the reference', () => {
  it.each(cases)('agrees with $model $prompt at every stage', async ({ model: name, prompt }) => {
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, prompt);
    const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const run = await forward(engine, hparams, golden.tokens, { capture: captureAll(golden.positions) });
    await engine.dispose();
    await model.close();

    expect(golden.held.length).toBeGreaterThan(prompt.startsWith('p300') ? 15 : 20);
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
      return error <= GOLDEN_LIMIT ? [] : [`${stage} ${String(layer)}: ${error}`];
    });
    expect(wrong).toEqual([]);
    await expect(printBits(run.captures)).toMatchFileSnapshot(`bits/${name}-${prompt}.txt`);
  });
});
