import { describe, expect, it } from 'vitest';
import type { Report, RunStatus } from '../../src/divergence/report';
import { ggufBytes, type TensorToWrite } from '../../src/gguf/writer';
import { bentFile, bytesOf } from '../support/bent-models';
import { BOTH, testSession } from '../support/session';

/*
 * Honest models whose numbers are at the ends of what f32 can do, or say nothing at all. No kernel is at fault in any of them; what the verdict
 * says is about the model: that it agrees, that it leaves f32, that rounding alone parts the two sides, or which of its tensors holds a NaN.
 */

type Edit = (values: Float32Array, dims: readonly number[]) => void;
/** Names without `.weight`; `L` stands for each layer. */
type Edits = Readonly<Record<string, Edit>>;

const SHAPE = { nExpert: 12, nExpertUsed: 4 } as const;
const TOKENS = Array.from({ length: 17 }, (_, i) => (i * 37 + 5) % 288);

async function judged(edits: Edits, tokens: readonly number[] = TOKENS): Promise<Report> {
  const edited = new Set<string>();
  const tensors = (tensor: TensorToWrite): readonly TensorToWrite[] => {
    const name = tensor.name.replace(/^blk\.\d+/, 'blk.L').replace(/\.weight$/, '');
    const edit = edits[tensor.name.replace(/\.weight$/, '')] ?? edits[name];
    if (edit === undefined) return [tensor];
    edited.add(name);
    const values = new Float32Array(bytesOf(tensor).buffer);
    edit(values, tensor.dims);
    return [{ ...tensor, chunks: () => [new Uint8Array(values.buffer)] }];
  };
  const session = await testSession(ggufBytes(bentFile({ recipe: { type: 'F32', shape: SHAPE }, tensors })));
  try {
    const report = await session.run({ ...BOTH, mode: 'local,isolated,free', tokens }, { onEvent: () => undefined });
    expect(edited.size).toBeGreaterThan(0);
    return report;
  } finally {
    await session.dispose();
  }
}

const fill =
  (value: number): Edit =>
  (values) =>
    values.fill(value);
const times =
  (factor: number): Edit =>
  (values) =>
    values.forEach((x, i) => (values[i] = x * factor));
/** Expert e alone of a tensor of experts (its rows, for the router). */
const expert =
  (e: number, edit: Edit): Edit =>
  (values, dims) => {
    const size = values.length / (dims.at(-1) ?? 1);
    edit(values.subarray(e * size, (e + 1) * size), dims);
  };
/** Every expert as the first. */
const alike: Edit = (values, dims) => {
  const size = values.length / (dims.at(-1) ?? 1);
  for (let from = size; from < values.length; from += size) values.copyWithin(from, 0, size);
};
/** Every row as the first but for the last bit or two. */
const nearlyAlike: Edit = (values, dims) => {
  alike(values, dims);
  values.forEach((x, i) => (values[i] = x * (1 + 2 ** -22 * Math.floor(i / (dims[0] ?? 1)))));
};
/** Pairs of neighbours in a row that cancel but for `rest`. */
const cancelling =
  (rest: number): Edit =>
  (values) => {
    for (let i = 0; i + 1 < values.length; i += 2) values[i + 1] = -(values[i] ?? 0) * (1 - rest);
  };

/** What the verdict is, and what its sentence says. */
type Said = readonly [status: RunStatus, sentence?: RegExp];

const AGREES: Said = ['match'];

/** By 17 tokens and by one, where that is another verdict. */
const CASES: Readonly<Record<string, readonly [edits: Edits, said: Said, ofOneToken?: Said]>> = {
  'weights of 1e-30': [{ 'blk.L.ffn_up_exps': times(1e-30) }, AGREES],
  'finite weights of 1e30': [{ 'blk.L.ffn_up_exps': times(1e30), 'blk.L.ffn_down_exps': times(1e-30) }, AGREES],
  'activations just below overflow': [
    { 'blk.L.ffn_up_exps': times(1e34), 'blk.L.ffn_gate_exps': times(1e2), 'blk.L.ffn_down_exps': times(1e-34) },
    AGREES,
  ],
  'experts of zeros': [{ 'blk.L.ffn_down_exps': expert(3, fill(0)) }, AGREES],
  'identical experts and rows of the router': [
    {
      'blk.L.ffn_gate_inp': alike,
      'blk.L.ffn_gate_exps': alike,
      'blk.L.ffn_up_exps': alike,
      'blk.L.ffn_down_exps': alike,
    },
    ['match', /4 of each layer's 12 experts reached/],
  ],
  'near ties': [
    { 'blk.L.ffn_gate_inp': nearlyAlike },
    ['ill-conditioned', /every stage is right from its own inputs .* most of it at layer 0, moe_ffn_out/],
    AGREES,
  ],
  'a router of zeros': [
    { 'blk.L.ffn_gate_inp': fill(0) },
    ['match', /no evidence of layer 0, moe_router_logits \(blk\.0\.ffn_gate_inp\.weight\)/],
  ],
  'router logits of 1e4': [{ 'blk.L.ffn_gate_inp': times(1e4) }, AGREES],
  'router logits of 1e7': [{ 'blk.L.ffn_gate_inp': times(1e7) }, AGREES],
  'a norm of zeros': [{ 'blk.1.ffn_norm': fill(0) }, ['match', /no evidence of layer 1, ffn_norm/]],
  'a query norm of zeros': [{ 'blk.0.attn_q_norm': fill(0) }, ['match', /no evidence of layer 0, q_norm/]],
  'attention logits of 1e4': [{ 'blk.L.attn_q_norm': times(1e4) }, AGREES],
  'attention logits of 1e6': [{ 'blk.L.attn_q_norm': times(1e6) }, AGREES],
  'gates at the ends of exp': [{ 'blk.L.ffn_gate_exps': times(3e3) }, AGREES],
  'rows of -0': [{ 'blk.L.ffn_up_exps': expert(2, fill(-0)) }, AGREES],
  'experts whose weights cancel': [{ 'blk.L.ffn_down_exps': cancelling(2 ** -22) }, AGREES],
  'weights of attention that cancel': [{ 'blk.L.attn_output': cancelling(2 ** -22) }, AGREES],
  'one channel of the stream that cancels': [
    { token_embd: fill(1), 'blk.L.attn_v': cancelling(2 ** -22), 'blk.L.attn_output': fill(1) },
    AGREES,
  ],
  'subnormal experts': [
    { 'blk.L.ffn_up_exps': times(1e-39) },
    ['out-of-range', /leaves f32 at layer 0, moe_expert_up: its largest value is \S+e-39, and f32 begins at/],
  ],
  'subnormal embeddings': [
    { token_embd: times(1e-39) },
    ['out-of-range', /leaves f32 at embedding: its largest value is \S+e-39, and f32 begins at/],
  ],
  'squares above f32 in a norm': [
    { token_embd: times(1e21) },
    ['out-of-range', /leaves f32 at layer 0, attn_norm: partial sums up to \S+e4\d, and f32 ends at/],
  ],
  'squares above f32 in a later norm': [
    { 'blk.0.attn_output': times(1e22) },
    ['out-of-range', /leaves f32 at layer 0, ffn_norm: partial sums up to \S+e4\d, and f32 ends at/],
  ],
  'a sum of products above f32': [
    { 'blk.0.ffn_up_exps': fill(1e38) },
    ['out-of-range', /leaves f32 at layer 0, moe_expert_up: partial sums up to \S+e39, and f32 ends at/],
  ],
  'a NaN in an expert that not every token takes': [
    { 'blk.1.ffn_down_exps': expert(4, (values) => values.fill(NaN, 0, 1)) },
    ['not-finite', /layer 1, moe_expert_out, token \d+, expert 4 \(blk\.1\.ffn_down_exps.weight, F32\): NaN on both/],
    AGREES,
  ],
};

describe('a verdict is about the model where no kernel is at fault', () => {
  it.each(Object.entries(CASES))('%s', { timeout: 120_000 }, async (_, [edits, said, ofOneToken = said]) => {
    for (const [tokens, [status, sentence = /./]] of [
      [TOKENS, said],
      [TOKENS.slice(0, 1), ofOneToken],
    ] as const) {
      const { verdict } = await judged(edits, tokens);
      expect(verdict.sentence).toMatch(sentence);
      expect(verdict.status, verdict.sentence).toBe(status);
    }
  });
});
