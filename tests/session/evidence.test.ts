import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/divergence/report';
import { ggufBytes, type TensorToWrite } from '../../src/gguf/writer';
import { bentFile, bytesOf, type Bend } from '../support/bent-models';
import { BOTH, testSession } from '../support/session';

async function reportOf(bend: Bend, mode: 'local,free' | 'free' = 'local,free'): Promise<Report> {
  const session = await testSession(ggufBytes(bentFile({ recipe: { type: 'F32' }, ...bend })));
  try {
    return await session.run({ ...BOTH, mode, tokens: [5, 200, 17] }, { onEvent: () => undefined });
  } finally {
    await session.dispose();
  }
}

/** The tensor of this name, its values times something. */
const times =
  (name: string, factor: number) =>
  (tensor: TensorToWrite): readonly TensorToWrite[] => {
    if (tensor.name !== name) return [tensor];
    const values = new Float32Array(bytesOf(tensor).buffer).map((x) => x * factor);
    return [{ ...tensor, chunks: () => [new Uint8Array(values.buffer)] }];
  };

describe('an agreement says what it rests on', () => {
  it('how many experts the prompt reached, and what is left to f16', async () => {
    const { verdict, headroom } = await reportOf({});
    expect(verdict.sentence).toMatch(
      /^MATCH: .*; (?:\d to )?[1-4] of each layer's 4 experts reached$|; every expert reached$/,
    );
    const up = headroom?.find(({ stage }) => stage === 'moe_expert_up');
    expect(up?.fitsF16).toBe(true);
    expect(up?.largestSum).toBeGreaterThan(up?.largest ?? NaN);
  });

  it('names products that show nothing, and calls no model of zero logits a match', async () => {
    const blank = await reportOf({ tensors: times('blk.1.ffn_up_exps.weight', 0) });
    expect(blank.verdict.status).toBe('match');
    expect(blank.verdict.sentence).toContain(
      '; no evidence of layer 1, moe_expert_up (blk.1.ffn_up_exps.weight) and 1 more product: 0 throughout',
    );
    const blind = await reportOf({ tensors: times('output.weight', 0) }, 'free');
    expect(blind.verdict.status).toBe('incomplete');
    expect(blind.verdict.sentence).toMatch(/^INCOMPLETE: the logits are 0 whatever the prompt;/);
  });
});

describe('a model that leaves f32 is told so, and no kernel is blamed', () => {
  it.each([
    [
      'above',
      'blk.0.ffn_norm.weight',
      1e19,
      /^OUT OF RANGE: the model leaves f32 at layer 0, \w+: values up to \d.*e\d\d, and f32 ends/,
    ],
    [
      'below',
      'token_embd.weight',
      1e-30,
      /^OUT OF RANGE: the model leaves f32 at layer 0, \w+: its largest value is .*e-\d\d, and f32 begins/,
    ],
  ])('%s', async (_, tensor, factor, sentence) => {
    const { verdict } = await reportOf({ tensors: times(tensor, factor) });
    expect(verdict.sentence).toMatch(sentence);
    expect(verdict.status).toBe('out-of-range');
  });

  it('large values that f32 holds are no fault, and do not fit f16', async () => {
    const { verdict, headroom } = await reportOf({ tensors: times('blk.0.ffn_up_exps.weight', 3e5) });
    expect(verdict.status).toBe('match');
    expect(headroom?.find(({ stage }) => stage === 'moe_expert_up')).toMatchObject({ layer: 0, fitsF16: false });
  });
});

it('a NaN is blamed on the tensor of the file that has it', async () => {
  const { verdict } = await reportOf({
    tensors: (tensor) => {
      const [nIn = 0, nOut = 0, nExpert] = tensor.dims;
      if (nExpert === undefined || !tensor.name.startsWith('blk.0.ffn_up')) return [tensor];
      const all = new Float32Array(bytesOf(tensor).buffer);
      const size = all.length / nExpert;
      return Array.from({ length: nExpert }, (_, e) => {
        const values = all.slice(e * size, (e + 1) * size).fill(NaN, 0, 1);
        const name = `blk.0.ffn_up.${e}.weight`;
        return { ...tensor, name, dims: [nIn, nOut], chunks: () => [new Uint8Array(values.buffer)] };
      });
    },
  });
  expect(verdict.first?.tensor).toBe(`blk.0.ffn_up.${verdict.first?.expert ?? NaN}.weight`);
});
