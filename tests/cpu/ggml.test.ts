import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { bindGraph } from '../../src/arch/bind';
import { nodeOf, sectionOf, type WeightSlot } from '../../src/arch/graph';
import { weightAccess } from '../../src/cpu/engine/weight-access';
import { graphOf } from '../../src/model/graph-of';
import { ggmlActivations } from '../../src/cpu/ggml/activations';
import { createGgmlCpuEngine } from '../../src/cpu/ggml/ggml-engine';
import { roundToQ8_0, roundToQ8_K } from '../../src/base/q8';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { StageId } from '../../src/model/stages';
import { loadGolden, relativeRms, type Golden } from '../support/golden';
import { captureAll, forward, openGolden } from './support';

/** llama.cpp sums in f32 what is summed in f64 here; otherwise the same numbers. */
const STAGE_LIMIT = 1e-5;

function floats(golden: Golden, stage: StageId, layer?: number): Float64Array<ArrayBuffer> {
  const found = golden.stage(stage, layer);
  if (found === undefined) throw new Error(`no golden ${stage} ${String(layer)}`);
  return Float64Array.from(found.data);
}

describe('activations as llama.cpp quantises them', () => {
  it('Q8_0: 127 steps either way of the largest, its scale in f16', () => {
    const x = new Float64Array(32);
    x[3] = -127;
    x[4] = 2.5;
    x[5] = -0.4;
    const out = roundToQ8_0(x);
    expect([out[3], out[4], out[5], out[6]]).toEqual([-127, 3, -0, 0]);
    expect([...roundToQ8_0(new Float64Array(64))]).toEqual(Array(64).fill(0));
  });

  it('Q8_K: the largest becomes -127 steps exactly, halves go to even, 128 is clamped', () => {
    const x = new Float64Array(256);
    x[0] = 254;
    x[1] = 5;
    x[2] = 3;
    x[3] = -254;
    const d = Math.fround(1 / Math.fround(-127 / 254));
    const out = roundToQ8_K(x);
    expect([out[0], out[1], out[2], out[3]]).toEqual([-127 * d, -2 * d, -2 * d, 127 * d]);
  });

  it('err by at most half a step', () => {
    const random = seededRandom(8);
    const x = Float64Array.from({ length: 512 }, () => random.normal());
    const size = x.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    for (const round of [roundToQ8_0, roundToQ8_K]) {
      const out = round(x);
      const worst = x.reduce((max, v, i) => Math.max(max, Math.abs(v - out[i]!)), 0);
      expect(worst).toBeLessThan((size / 127) * 0.56);
      expect(worst).toBeGreaterThan(size / 127 / 8);
    }
  });
});

describe('the cpu-ggml arm', () => {
  const products: readonly [StageId, StageId][] = [
    ['attn_norm', 'q_proj'],
    ['attn_norm', 'k_proj'],
    ['attn_norm', 'v_proj'],
    ['attention', 'attn_out'],
    ['ffn_norm', 'moe_router_logits'],
  ];
  const experts: readonly [StageId, StageId][] = [
    ['ffn_norm', 'moe_expert_gate'],
    ['ffn_norm', 'moe_expert_up'],
    ['moe_expert_swigl', 'moe_expert_out'],
  ];

  it.each([
    ['mini-q4_k_m', 'p1'],
    ['mini-q4_k_m', 'p12'],
    ['mini-f32', 'p12'],
  ])('gives llama.cpp products when fed its inputs: %s %s', async (name, prompt) => {
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, `llamacpp-${prompt}`);
    const { graph, title } = graphOf(hparams);
    const bound = bindGraph(graph, model, title);
    const context = { model, bound, pool: createInlinePool(model), rounding: ggmlActivations };
    const exact = { ...context, rounding: (_type: unknown, x: Float64Array<ArrayBuffer>) => x };
    const nTokens = golden.tokens.length;
    for (let layer = 0; layer < hparams.nLayer; layer++) {
      const [weights, exactly] = [context, exact].map((c) => weightAccess(c, nTokens, {}));
      if (weights === undefined || exactly === undefined) throw new Error('two');
      const slotOf = (stage: string): WeightSlot => {
        const [slot] = nodeOf(sectionOf(graph, layer), stage).weights;
        if (slot === undefined) throw new Error(`no weight of ${stage}`);
        return slot;
      };
      for (const [input, stage] of products) {
        const { values } = await weights.matmul(slotOf(stage), floats(golden, input, layer), false);
        expect(relativeRms(values, floats(golden, stage, layer)), stage).toBeLessThan(STAGE_LIMIT);
      }
      for (const [input, stage] of experts) {
        const x = floats(golden, input, layer);
        const chosen = Uint32Array.from(floats(golden, 'moe_router_indices', layer));
        const perSlot = input === 'moe_expert_swigl';
        const expected = floats(golden, stage, layer);
        const { values } = await weights.expertMatmul(slotOf(stage), x, perSlot, chosen, false);
        expect(relativeRms(values, expected), stage).toBeLessThan(STAGE_LIMIT);
        // Without the quantisation they are far apart: the test sees what it is about.
        const plain = await exactly.expertMatmul(slotOf(stage), x, perSlot, chosen, false);
        if (name !== 'mini-f32') expect(relativeRms(plain.values, expected), stage).toBeGreaterThan(1e-3);
      }
    }
    await model.close();
  });

  it('is far nearer to llama.cpp than the reference is, running free', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const golden = loadGolden('mini-q4_k_m', 'llamacpp-p12');
    const options = { model, hparams, pool: createInlinePool(model) };
    const capture = { capture: captureAll(golden.positions), bounds: true };
    const errors = await Promise.all(
      [createGgmlCpuEngine(options), createCpuEngine(options)].map(async (engine) => {
        const run = await forward(engine, hparams, golden.tokens, capture);
        expect(run.captured('attn_out', 0).bound === undefined).toBe(engine.id === 'cpu-ggml');
        return relativeRms(run.captured('attn_out', 0).data, golden.stage('attn_out', 0)?.data ?? []);
      }),
    );
    expect(errors[0]).toBeLessThan(0.1 * (errors[1] ?? 0));
    await model.close();
  });
});
