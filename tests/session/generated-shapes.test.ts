import { describe, expect, it } from 'vitest';
import { QUANT_TYPES } from '../../src/gguf/ggml-types';
import type { Report } from '../../src/divergence/report';
import { makeModel, type ModelRecipe } from '../support/gguf-models';
import { lendingHost } from '../support/lent-gpu';
import { BOTH, recorder, testSession } from '../support/session';

/** Largest free-running relative L2 between the engines at any stage. */
const LIMIT = 1e-5;
/** Few tokens and all stages: the software GPU is slow, and a wrong kernel shows on any token. */
const TOKENS = [1, 270, 33];

/** Shapes that no golden has. Rows of 1, 3 and 8 super-blocks are nEmbd or nFfExp of 256, 768 and 2048. */
const SHAPES: readonly (readonly [string, ModelRecipe])[] = [
  [
    'rows of 3 super-blocks, 3 experts, all used',
    { shape: { nEmbd: 256, nFfExp: 768, nExpert: 3, nExpertUsed: 3, nLayer: 1 }, type: 'Q6_K' },
  ],
  [
    'rows of 8 super-blocks',
    { shape: { nEmbd: 2048, nFfExp: 256, nExpert: 3, nExpertUsed: 1, nLayer: 1 }, type: 'Q4_K' },
  ],
  ['60 experts, top-4, one kv head', { shape: { nExpert: 60, nExpertUsed: 4, nHeadKv: 1 }, type: 'Q8_0', seed: 3 }],
  ['128 experts, top-8', { shape: { nExpert: 128, nExpertUsed: 8, nLayer: 1 }, type: 'Q5_0', seed: 4 }],
  ['one expert', { shape: { nExpert: 1, nExpertUsed: 1 }, type: 'Q4_0', seed: 5 }],
  ['odd vocabulary, tied head', { shape: { nVocab: 331 }, tied: true, type: 'Q5_1', seed: 6 }],
  [
    'qDim above nEmbd, heads of 80',
    { shape: { nEmbd: 96, nHead: 4, nHeadKv: 2, headDim: 80, nFfExp: 96 }, type: 'Q4_1', seed: 7 },
  ],
  [
    'qDim below nEmbd, heads of 2',
    { shape: { nEmbd: 96, nHead: 8, nHeadKv: 4, headDim: 2, nFfExp: 32 }, type: 'IQ4_NL', seed: 8 },
  ],
  [
    'sizes that no block divides',
    { shape: { nEmbd: 50, nHead: 3, nHeadKv: 3, headDim: 6, nFfExp: 33, nExpert: 5 }, type: 'F16', seed: 9 },
  ],
  ['other eps and theta', { eps: 1e-2, theta: 1e4, type: 'BF16', seed: 10 }],
  [
    'types that change between tensors and layers',
    {
      shape: { nEmbd: 256, nFfExp: 256 },
      type: 'Q4_K',
      types: {
        ffn_down_exps: (l) => (l === 0 ? 'Q6_K' : 'Q3_K'),
        attn_v: 'Q5_K',
        output: 'IQ4_XS',
        ffn_gate_exps: 'Q2_K',
      },
      seed: 11,
    },
  ],
];

const HOST = lendingHost();

async function traceOf(recipe: ModelRecipe): Promise<Report> {
  const session = await testSession(makeModel(recipe), HOST);
  try {
    return await session.run({ ...BOTH, tokens: TOKENS }, recorder());
  } finally {
    await session.dispose();
  }
}

function expectAgreement(report: Report): void {
  expect(report.verdict.status, report.verdict.sentence).toBe('match');
  for (const row of report.rows) {
    const where = `${row.mode}, layer ${row.layer ?? '-'}, ${row.stage}`;
    if (row.jaccard !== undefined) expect(row.jaccard, where).toBe(1);
    else expect(row.relL2, where).toBeLessThan(LIMIT);
    if (row.maxRatio !== undefined) expect(row.maxRatio, where).toBeLessThanOrEqual(1);
  }
}

describe('the engines agree on shapes that no golden has', () => {
  it.each(SHAPES)('%s', async (_, recipe) => {
    expectAgreement(await traceOf(recipe));
  });
});

describe('the engines agree on every type in every place', () => {
  it.each(QUANT_TYPES)('%s, router and head included', async (type) => {
    const shape = {
      nLayer: 1,
      nEmbd: 256,
      nFfExp: 256,
      nHead: 2,
      nHeadKv: 1,
      headDim: 128,
      nExpert: 3,
      nExpertUsed: 2,
    };
    expectAgreement(
      await traceOf({ shape, type, types: { ffn_gate_inp: type }, seed: 100 + QUANT_TYPES.indexOf(type) }),
    );
  });
});
