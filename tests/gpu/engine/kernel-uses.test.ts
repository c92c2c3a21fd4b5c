import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { ACTIVE_STAGES } from '../../support/stages';
import { captureAll, forward } from '../../cpu/support';
import { testContext } from '../../support/gpu';
import { ownDecoder } from '../decode/support';
import { made } from './support';

vi.setConfig({ testTimeout: 120_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

const TOKENS = Uint32Array.of(1, 5, 9);
const SHAPE = { nHead: 2, nHeadKv: 1, headDim: 32, nVocab: 300 };

it.each([
  ['storing scores', { fuseAttention: false }, 'attention_values'],
  ['storing none', { fuseAttention: true }, 'fusions/attention_tiled'],
])('the engine, %s, names the kernels of every value that it captures', async (_name, options, attention) => {
  const { model, hparams } = await made({ type: 'Q4_0', shape: SHAPE });
  const engine = createGpuEngine({ context, model, hparams, ...options });
  await engine.preload();
  const run = await forward(engine, hparams, TOKENS, { capture: captureAll([0, 1, 2]) });
  expect(run.captures.filter(({ kernel }) => kernel === undefined)).toEqual([]);
  expect(run.captured('attention', 0).kernel).toMatch(attention);
  expect(run.captured('k_proj', 0).kernel).toMatch(/^linear_\w+.* Q4_0/);
  expect(run.captured('embedding').kernel).toBe('rows Q4_0');
  expect(run.captured('moe_router', 0).kernel).toBe('normalise');
  const uses = engine.kernelUses?.() ?? [];
  expect(new Set(uses.flatMap(({ stages }) => stages))).toEqual(new Set(ACTIVE_STAGES));
  expect(uses.every(({ path, dispatches }) => path === 'prompt' && dispatches > 0)).toBe(true);
  const fused = uses.find(({ kernel }) => kernel === 'fusions/attention_tiled');
  expect(fused?.ops ?? []).toEqual(
    attention === 'fusions/attention_tiled' ? ['attention-scores', 'softmax', 'attention-values'] : [],
  );
  await engine.dispose();
  await model.close();
});

it('the decoder names its fused kernels, and says how often each ran', async () => {
  const { model, hparams } = await made({ type: 'Q4_0', shape: SHAPE });
  const { decoder, dispose } = await ownDecoder(context, model, hparams);
  const { captures } = await decoder.decode(1, 0, { capture: { stages: ACTIVE_STAGES } });
  await decoder.decode(5, 1);
  expect(new Set(captures.map(({ stage }) => stage))).toEqual(new Set(ACTIVE_STAGES));
  const kernelOf = (stage: string): string | undefined => captures.find((captured) => captured.stage === stage)?.kernel;
  expect(captures.filter(({ kernel }) => kernel?.startsWith('fusions/') !== true)).toEqual([]);
  expect(kernelOf('moe_expert_up')).toMatch(/^fusions\/experts_in Q4_0 Q4_0 of/);
  expect(kernelOf('lm_head')).toMatch(/^fusions\/head/);
  const uses = decoder.kernelUses();
  expect(uses.find(({ kernel }) => kernel === 'fusions/router')).toMatchObject({
    ...{ path: 'decode', ops: ['rmsnorm', 'linear'], stages: ['ffn_norm', 'moe_router_logits'] },
    dispatches: 2 * hparams.nLayer,
  });
  dispose();
  await model.close();
});
