import { describe, expect, it } from 'vitest';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import type { TypedValue } from '../../src/gguf/writer';
import { floats, openBent, type Bend } from '../support/bent-models';

const u32 = (value: number): TypedValue => ({ type: 'uint32', value });
const f32 = (value: number): TypedValue => ({ type: 'float32', value });
const flag = (value: boolean): TypedValue => ({ type: 'bool', value });
const text = (value: string): TypedValue => ({ type: 'string', value });

async function notesOf(bend: Bend): Promise<readonly string[]> {
  const model = await openBent(bend);
  return checkWeights(model, readHParams(model));
}

describe('what a file says is', () => {
  it.each<[string, Bend]>([
    ['nothing beyond the usual', {}],
    [
      'neutral zeros and ones',
      { keys: { expert_gating_func: u32(1), expert_weights_scale: f32(0), expert_shared_count: u32(0) } },
    ],
    ['no scaling', { keys: { 'rope.scaling.type': text('none'), 'rope.scaling.factor': f32(4) } }],
    ['a factor of 0', { keys: { 'rope.scaling.factor': f32(0) } }],
    ['the size of a head', { keys: { 'rope.dimension_count': u32(16) } }],
    ['an input scale', { more: [floats('blk.0.attn_q.input_scale', [1], () => 3)] }],
    ['ten thousand tokens of vocabulary', { keys: { vocab_size: u32(10_000), 'attention.sliding_window': u32(0) } }],
  ])('known to change nothing: %s', async (_, bend) => {
    expect(await notesOf(bend)).toEqual([]);
  });

  it.each<[string, Bend, string]>([
    [
      "a scale of the experts' weights",
      { keys: { expert_weights_scale: f32(2.5) } },
      'qwen3moe.expert_weights_scale 2.5',
    ],
    ['no renormalising', { keys: { expert_weights_norm: flag(false) } }, 'qwen3moe.expert_weights_norm false'],
    ['a window', { keys: { 'attention.sliding_window': u32(2) } }, 'qwen3moe.attention.sliding_window 2'],
    ['a YaRN corner', { keys: { 'rope.scaling.yarn_beta_fast': f32(16) } }, 'yarn_beta_fast 16'],
    ['a key that nobody knows', { keys: { 'some.thing': u32(1) } }, '1 key that nobody reads: qwen3moe.some.thing.'],
    ['a layer too many', { keys: { block_count: u32(1) } }, '12 tensors that nobody reads: blk.1.attn_norm.weight'],
    [
      'a tensor that nobody knows',
      { more: [floats('v.patch.weight', [4], () => 1)] },
      '1 tensor that nobody reads: v.patch.weight.',
    ],
  ])('run as llama.cpp runs it, with a note: %s', async (_, bend, note) => {
    const notes = await notesOf(bend);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(note);
  });

  it.each<[string, Bend, string]>([
    ['a sigmoid router', { keys: { expert_gating_func: u32(2) } }, 'qwen3moe.expert_gating_func is 2'],
    ['shared experts', { more: [floats('blk.0.ffn_up_shexp.weight', [64, 32], () => 1)] }, 'blk.0.ffn_up_shexp.weight'],
    ['their size', { keys: { expert_shared_feed_forward_length: u32(32) } }, 'expert_shared_feed_forward_length is 32'],
    ['scaled logits', { keys: { logit_scale: f32(0.5) } }, 'qwen3moe.logit_scale is 0.5'],
    ['rotary frequencies', { more: [floats('rope_freqs.weight', [8], () => 1)] }, 'rope_freqs.weight'],
    ['a bias of the selection', { more: [floats('blk.1.exp_probs_b.bias', [4], () => 1)] }, 'blk.1.exp_probs_b.bias'],
    ['a scale of the router', { more: [floats('blk.0.ffn_gate_inp.scale', [1], () => 1)] }, 'blk.0.ffn_gate_inp.scale'],
    ['a bias of the router', { more: [floats('blk.0.ffn_gate_inp.bias', [4], () => 1)] }, 'blk.0.ffn_gate_inp.bias'],
    ['LongRoPE', { keys: { 'rope.scaling.type': text('longrope') } }, 'qwen3moe.rope.scaling.type is longrope'],
  ])('refused by name: %s', async (_, bend, name) => {
    await expect(notesOf(bend)).rejects.toMatchObject({
      code: 'gguf-unsupported',
      message: expect.stringContaining(name) as string,
    });
  });

  it('refused by name where only half of a head would turn', async () => {
    await expect(notesOf({ keys: { 'rope.dimension_count': u32(8) } })).rejects.toMatchObject({
      code: 'gguf-malformed',
      detail: { key: 'qwen3moe.rope.dimension_count', expected: '16', actual: 8 },
    });
  });

  it('read where it can be derived, and where it is the same for every layer', async () => {
    const array = (of: 'uint32' | 'int32', value: readonly number[]): TypedValue => ({ type: 'array', of, value });
    const model = await openBent({
      keys: {
        'attention.key_length': undefined,
        'attention.value_length': undefined,
        expert_feed_forward_length: undefined,
        'attention.head_count': array('uint32', [4, 4]),
        'attention.head_count_kv': array('int32', [2, 2]),
      },
    });
    expect(readHParams(model)).toMatchObject({ headDim: 16, nHead: 4, nHeadKv: 2, nFfExp: 32 });
    await expect(notesOf({ keys: { 'attention.head_count': array('uint32', [4, 8]) } })).rejects.toMatchObject({
      code: 'gguf-malformed',
    });
  });
});
