import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelSession } from '../../src/session/model-session';
import { stagesOf, stagesOfStep } from '../../src/model/graph-of';
import { ggufBytes } from '../../src/gguf/writer';
import { modelToWrite } from '../../src/synthetic/model-to-write';
import { SHAPE_NAMES } from '../../src/synthetic/shapes';
import { FAMILIES } from '../families/goldens';
import { goldenModelPath } from '../support/golden';
import { recorder, testSession } from '../support/session';
import { recipeOf } from '../synthetic/support';

/** What both architectures with gated delta nets can have: layers 0 and 1 are such nets, layer 2 is attention. */
const OF_DELTA_NETS = [
  ['conv-reversed@layer=0', 'conv_output_raw', 'blk.0.ssm_conv1d.weight'],
  ['conv-short@layer=1', 'conv_output_raw', 'blk.1.ssm_conv1d.weight'],
  ['no-conv-silu@layer=0', 'conv_output_silu', undefined],
  ['no-l2-norm@layer=1', 'q_conv_predelta', undefined],
  ['late-decay@layer=1', 'delta_state', undefined],
  ['no-difference@layer=0', 'delta_state', undefined],
  ['no-beta-sigmoid@layer=0', 'beta_sigmoid', undefined],
  ['no-dt-bias@layer=1', 'a_softplus', 'blk.1.ssm_dt.bias'],
  ['exp-of-a@layer=0', 'delta_decay', 'blk.0.ssm_a'],
  ['delta-unscaled@layer=1', 'delta_out', undefined],
  ['sigmoid-gate@layer=0', 'final_output', undefined],
  ['rope-whole-head@layer=2', 'q_post_rope', undefined],
  ['split-halves@layer=2', 'q_heads', undefined],
  ['no-attn-gate@layer=2', 'attn_gated', undefined],
  ['silu-attn-gate@layer=2', 'attn_gate_sigmoid', undefined],
  ['no-shared-gate@layer=1', 'ffn_shexp_out', undefined],
  ['no-renorm@layer=0', 'moe_router', undefined],
  ['bitflip@layer=1,tensor=ssm_a', 'delta_decay', 'blk.1.ssm_a'],
  ['nan@layer=0,tensor=ssm_conv1d', 'conv_output_raw', 'blk.0.ssm_conv1d.weight'],
  ['off-by-one-row@layer=0,tensor=attn_gate', 'linear_attn_z', 'blk.0.attn_gate.weight'],
  ['f16-accumulate@layer=1,tensor=ssm_out', 'linear_attn_out', 'blk.1.ssm_out.weight'],
] as const;

/** A golden model of each architecture that has stages of its own, with faults and the stage and tensor that each has to be blamed on. */
const MODELS: readonly (readonly [string, readonly (readonly [string, string, string | undefined])[]])[] = [
  [
    'qwen2moe',
    [
      ['off-by-one-row@layer=1,tensor=ffn_gate_shexp', 'ffn_gate', 'blk.1.ffn_gate_shexp.weight'],
      ['f16-accumulate@layer=0,tensor=ffn_down_shexp', 'ffn_shexp', 'blk.0.ffn_down_shexp.weight'],
      ['bitflip@layer=1,tensor=ffn_gate_inp_shexp', 'ffn_shexp_gate_inp', 'blk.1.ffn_gate_inp_shexp.weight'],
      ['gqa-modulo@layer=0', 'attn_scores', undefined],
    ],
  ],
  [
    'granitemoe',
    [
      ['no-renorm@layer=0', 'moe_router', undefined],
      ['nan@layer=1,tensor=attn_output', 'attn_out', 'blk.1.attn_output.weight'],
    ],
  ],
  ['qwen35moe-q8_0', [...OF_DELTA_NETS, ['delta-heads@layer=0', 'delta_state', undefined]]],
  [
    'qwen3next-q4_0',
    [
      ...OF_DELTA_NETS,
      ['delta-heads@layer=0', 'q_conv_predelta', undefined],
      ['split-halves@layer=1', 'linear_attn_b', undefined],
    ],
  ],
  [
    'glm4moe-q8_0',
    [
      ['bitflip@layer=0,tensor=ffn_down', 'ffn_out', 'blk.0.ffn_down.weight'],
      ['f16-accumulate@layer=2,tensor=ffn_up_shexp', 'ffn_up', 'blk.2.ffn_up_shexp.weight'],
      ['nan@layer=1,tensor=exp_probs_b', 'moe_router_probs_biased', 'blk.1.exp_probs_b.bias'],
    ],
  ],
  ['minimax-m2', [['wrong-slot-weight@layer=1', 'moe_ffn_out', undefined]]],
  [
    'gpt-oss-mxfp4',
    [
      ['f16-accumulate@layer=2,tensor=ffn_down_exps', 'moe_expert_out', 'blk.2.ffn_down_exps.weight'],
      ['nan@layer=1,tensor=attn_sinks', 'attn_softmax', 'blk.1.attn_sinks.weight'],
      ['rope-theta@layer=0', 'q_post_rope', undefined],
    ],
  ],
  [
    'deepseek2-v3-q8_0',
    [
      ['rope-theta@layer=0', 'k_pe', undefined],
      ['rope-interleaved@layer=2', 'k_pe', undefined],
      ['group-maximum@layer=1', 'moe_group_scores', undefined],
      ['f16-accumulate@layer=1,tensor=attn_k_b', 'q_nope_absorbed', 'blk.1.attn_k_b.weight'],
      ['off-by-one-row@layer=0,tensor=attn_v_b', 'attention', 'blk.0.attn_v_b.weight'],
      ['stale-row@layer=2,tensor=attn_v_b', 'attention', 'blk.2.attn_v_b.weight'],
      ['nan@layer=2,tensor=attn_kv_a_norm', 'kv_cmpr', 'blk.2.attn_kv_a_norm.weight'],
      ['bitflip@layer=1,tensor=attn_q_a', 'q_a', 'blk.1.attn_q_a.weight'],
      ['wrong-expert@layer=1', 'moe_expert_gate', 'blk.1.ffn_gate_exps.weight'],
      ['skip-expert@layer=2', 'moe_expert_gate', 'blk.2.ffn_gate_exps.weight'],
    ],
  ],
  [
    'deepseek2-lite-q4_0',
    [
      ['off-by-one-row@layer=1,tensor=attn_q', 'q_mla_proj', 'blk.1.attn_q.weight'],
      ['f16-accumulate@layer=0,tensor=attn_kv_a_mqa', 'kv_cmpr_pe', 'blk.0.attn_kv_a_mqa.weight'],
      ['no-causal-mask@layer=2', 'attn_softmax', undefined],
    ],
  ],
  [
    'tiny-qwen3',
    [
      ['rope-theta@layer=1', 'q_post_rope', undefined],
      ['drop-qk-norm@layer=0', 'q_norm', 'blk.0.attn_q_norm.weight'],
      ['gqa-modulo@layer=1', 'attn_scores', undefined],
      ['off-by-one-row@layer=0,tensor=attn_k', 'k_proj', 'blk.0.attn_k.weight'],
      ['f16-accumulate@layer=1,tensor=ffn_up', 'ffn_up', 'blk.1.ffn_up.weight'],
      ['bitflip@layer=0,tensor=ffn_down', 'ffn_out', 'blk.0.ffn_down.weight'],
      ['nan@layer=1,tensor=attn_output', 'attn_out', 'blk.1.attn_output.weight'],
      ['qtype-blind@layer=0,tensor=ffn_gate', 'ffn_gate', 'blk.0.ffn_gate.weight'],
    ],
  ],
  [
    'tiny-llama',
    [
      ['rope-theta@layer=0', 'q_post_rope', 'rope_freqs.weight'],
      ['rope-interleaved@layer=1', 'q_post_rope', 'rope_freqs.weight'],
      ['gqa-modulo@layer=0', 'attn_scores', undefined],
      ['no-causal-mask@layer=1', 'attn_softmax', undefined],
      ['off-by-one-row@layer=1,tensor=ffn_gate', 'ffn_gate', 'blk.1.ffn_gate.weight'],
      ['f16-accumulate@layer=0,tensor=ffn_down', 'ffn_out', 'blk.0.ffn_down.weight'],
      ['scale-bitflip@layer=1,tensor=attn_v', 'v_proj', 'blk.1.attn_v.weight'],
      ['bitflip@layer=0,tensor=rope_freqs', 'q_post_rope', 'rope_freqs.weight'],
    ],
  ],
  [
    'mixtral-q8_0',
    [
      ['rope-interleaved@layer=0', 'q_post_rope', undefined],
      ['wrong-expert@layer=1', 'moe_expert_gate', 'blk.1.ffn_gate_exps.weight'],
    ],
  ],
];

/** Models whose tokens the fast decoder can make. */
const DECODED = ['mixtral-q8_0'];

/** A golden's path, or a model of a named shape; a name that both have is the golden's. */
function modelOf(name: string): string | Uint8Array<ArrayBuffer> {
  const shape = FAMILIES.includes(name) ? undefined : SHAPE_NAMES.find((known) => known === name);
  return shape === undefined ? goldenModelPath(`families/${name}`) : ggufBytes(modelToWrite(recipeOf({ shape })));
}

describe.each(MODELS)('a run of %s', (name, faults) => {
  let session: ModelSession;
  beforeAll(async () => {
    session = await testSession(modelOf(name));
  });
  afterAll(() => session.dispose());

  const spec = {
    engines: ['gpu', 'cpu'],
    stages: 'all',
    layers: 'all',
    positions: 'all',
    tokens: [3, 14, 159, 265, 35],
  } as const;

  it('matches in every stage of its own graph, each within its bound', async () => {
    const report = await session.run({ ...spec, mode: 'local,isolated,free' }, recorder());
    expect(report.verdict.status).toBe('match');
    expect(report.run.stages).toEqual(stagesOf(report.model.hparams));
    for (const mode of ['free', 'isolated', 'local'] as const) {
      const rows = report.rows.filter((row) => row.mode === mode && row.verdict !== 'not-applicable');
      expect(new Set(rows.map(({ stage }) => stage))).toEqual(new Set(report.run.stages));
      for (const { stage, layer, verdict, count, maxRatio = 0 } of rows) {
        // Stages that only other layers have.
        if (layer !== null && layer !== undefined && !stagesOfStep(report.model.hparams, layer).includes(stage)) {
          expect(verdict, stage).toBe('not-applicable');
          continue;
        }
        expect(count, stage).toBeGreaterThan(0);
        expect(maxRatio, stage).toBeLessThanOrEqual(1);
      }
    }
  });

  it('says of every stage that only some layers have where there is none', async () => {
    const { rows, model } = await session.run({ ...spec, mode: 'local' }, recorder());
    for (const { layer, stage, verdict } of rows) {
      const isThere = layer === undefined || stagesOfStep(model.hparams, layer).includes(stage);
      expect(verdict, `${stage} of layer ${layer}`).toBe(isThere ? 'match' : 'not-applicable');
    }
  });

  it('holds each token behind the prompt to the states that the run itself kept', async () => {
    const report = await session.run({ ...spec, mode: 'local', decode: 3 }, recorder());
    expect(report.verdict.status).toBe('match');
    // By the engine; and by the decoder, where its kernels cover the graph.
    const ran = report.coverage?.paths?.find(({ path }) => path === 'decoder')?.ran;
    expect(ran).toBe(DECODED.includes(name));
    const made = (report.decoded ?? []).map(({ by }) => by);
    expect(made.filter((by) => by === 'engine')).toHaveLength(3);
    expect(made.filter((by) => by === 'decoder')).toHaveLength(ran === true ? 3 : 0);
  });

  it.each(faults)('blames %s on %s', async (fault, stage, tensor) => {
    const report = await session.run({ ...spec, mode: 'isolated', inject: [fault] }, recorder());
    expect(report.verdict.first?.stage).toBe(stage);
    expect(report.verdict.first?.tensor).toBe(tensor);
  });
});

it.each(['qwen35moe', 'qwen3next'])('a state that %s loses after 64 tokens is missed at the 65th', async (name) => {
  const session = await testSession(goldenModelPath(`families/${name}`));
  const spec = { engines: ['gpu', 'cpu'], stages: 'delta_state,delta_out', layers: 'all', positions: 'all' } as const;
  const tokens = Array.from({ length: 70 }, (_, i) => (37 * i + 5) % 500);
  const inject = ['state-lost@layer=1'];
  const report = await session.run({ ...spec, tokens, mode: 'local', inject }, recorder());
  expect(report.verdict.first).toMatchObject({ layer: 1, stage: 'delta_state', position: 64, mode: 'local' });
  const short = await session.run({ ...spec, tokens: tokens.slice(0, 64), mode: 'local', inject }, recorder());
  expect(short.verdict.status).toBe('match');
  expect(short.run.injected?.[0]?.why).toContain('right for 64 tokens');
  await session.dispose();
});
