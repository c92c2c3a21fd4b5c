import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { ACTIVE_STAGES } from '../../../src/model/stages';
import { openGolden } from '../../cpu/support';
import { GOLDEN_MODELS, loadGolden, relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { ownDecoder } from './support';

/** Relative RMS against float64 at the worst stage, as for the engine (tests/gpu/engine/golden.test.ts). */
const LIMIT = 1e-5;

/** Whose prompt of 12 tokens is decoded; of the others one, for the sake of their types. */
const LONG = ['mini-f32', 'mini-q4_k_m', 'deep-q8_0', 'tied-q4_k_m'];

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

describe('decoding, token by token', () => {
  it.each(['tiny-moe-6x16', ...GOLDEN_MODELS])('agrees with %s at every stage of every position', async (name) => {
    const prompt = LONG.includes(name) ? 'p12' : 'p1';
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, prompt);
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    const wrong: string[] = [];
    let compared = 0;
    const capture = { stages: ACTIVE_STAGES };
    for (const [position, token] of golden.tokens.entries()) {
      const { taps } = await decoder.decode(token, position, { capture });
      for (const { stage, layer, data } of taps) {
        const expected = golden.stage(stage, layer);
        if (expected === undefined) continue;
        const row = rowOf(expected, stage, position, golden.tokens.length);
        compared++;
        if (stage === 'moe_router_indices') expect([...data], `${stage} ${String(layer)}`).toEqual([...row]);
        else {
          const error = relativeRms(data, row);
          if (!(error <= LIMIT)) wrong.push(`${stage} ${String(layer)} at ${position}: ${error}`);
        }
      }
    }
    dispose();
    await model.close();
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(40 * golden.tokens.length);
  });
});

/** The values of one position of a golden array: (tokens, ...), or (heads, tokens, keys) up to the position's own key. */
function rowOf(
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  stage: string,
  position: number,
  nTokens: number,
): readonly number[] {
  const all = Array.from(data);
  if (stage !== 'attn_scores' && stage !== 'attn_softmax') {
    const length = all.length / (shape[0] ?? 1);
    return all.slice(position * length, (position + 1) * length);
  }
  const heads = shape[0] ?? 1;
  return Array.from({ length: heads }, (_, h) => {
    const at = (h * nTokens + position) * nTokens;
    return all.slice(at, at + position + 1);
  }).flat();
}
