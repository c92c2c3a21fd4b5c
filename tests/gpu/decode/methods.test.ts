import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCpuEngine } from '../../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../../src/cpu/pool/inline-pool';
import { SINGLE_HEADS } from '../../../src/fusions/attention/attention-plan';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import type { DecodeChoice } from '../../../src/fusions/choice';
import type { GpuContext } from '../../../src/gpu/device';
import { ACTIVE_STAGES } from '../../support/stages';
import { bits, captureAll, forward, range } from '../../cpu/support';
import { relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { made } from '../engine/support';
import { ownDecoder, tokensOf } from './support';

/** Relative RMS against the reference or the engine: both are f32 sums of up to 512 products, in another order. */
const LIMIT = 1e-5;

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
let usual: DecodeChoice;
beforeAll(async () => {
  context = await testContext();
  usual = await defaultChoice(context);
});
afterAll(() => {
  context.dispose();
});

const SHAPES = [
  { name: '3 experts', shape: { nExpert: 3, nExpertUsed: 2, nEmbd: 96, nFfExp: 32 } },
  {
    name: '60 experts, one kv head',
    shape: { nExpert: 60, nExpertUsed: 5, nHead: 3, nHeadKv: 1, headDim: 32, nFfExp: 96 },
  },
  {
    name: 'qDim of several units, odd vocabulary',
    shape: { nHead: 8, nHeadKv: 4, headDim: 64, nVocab: 301, nFfExp: 768 },
  },
] as const;

describe('every method of the kernels', () => {
  const methods: readonly {
    readonly name: string;
    readonly change: (c: DecodeChoice) => DecodeChoice;
    readonly maxBytes?: number;
  }[] = [
    { name: 'heads on their own', change: (c) => ({ ...c, attention: SINGLE_HEADS }) },
    {
      name: 'shared keys, sums in workgroup memory',
      change: (c) => ({ ...c, subgroups: false, attention: [{ from: 1, method: { kernel: 'shared', splits: 64 } }] }),
    },
    {
      name: 'keys by lane groups',
      change: (c) => ({
        ...c,
        attention: [{ from: 1, method: { kernel: 'lane-groups', lanes: 4, heads: 2, splits: 1 } }],
      }),
    },
    { name: 'plain dots, three rows ahead', change: (c) => ({ ...c, dots: 'plain', ahead: 3 }) },
    {
      name: 'one row a lane group, small workgroups, tiled weights',
      change: (c) => ({
        ...c,
        laneGroups: Object.fromEntries(
          Object.entries(c.laneGroups).map(([k, t]) => [k, { ...t, group: 32, batches: 1 }]),
        ) as unknown as DecodeChoice['laneGroups'],
      }),
      // Two experts of the first shape's gate, whose down projection still fits.
      maxBytes: 80_000,
    },
  ];
  for (const { name: shapeName, shape } of SHAPES) {
    it.each(methods)(`agrees with the reference on ${shapeName}: $name`, async ({ change, maxBytes }) => {
      const { model, hparams } = await made({ type: 'Q8_0', shape });
      const tokens = tokensOf(2, hparams.nVocab);
      const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
      const expected = await forward(cpu, hparams, tokens, { capture: captureAll(range(tokens.length)) });
      await cpu.dispose();
      const tiles = maxBytes === undefined || shapeName !== SHAPES[0].name ? undefined : maxBytes;
      const { decoder, dispose } = await ownDecoder(context, model, hparams, change(usual), tiles);
      for (const [position, token] of tokens.entries()) {
        const { captures } = await decoder.decode(token, position, { capture: { stages: ACTIVE_STAGES } });
        for (const captured of captures) {
          // Of the reference's (head, token, key) a decoded token has no row of its own.
          if (captured.stage === 'attn_scores' || captured.stage === 'attn_softmax') continue;
          const all = expected.captured(captured.stage, captured.layer);
          const length = captured.data.length;
          const row = all.data.subarray(position * length, (position + 1) * length);
          if (captured.stage === 'moe_router_indices') expect([...bits(captured)]).toEqual([...row]);
          else
            expect(
              relativeRms(captured.data, row),
              `${captured.stage} ${String(captured.layer)} at ${position}`,
            ).toBeLessThan(LIMIT);
        }
      }
      dispose();
      await model.close();
    });
  }

  it('says so when a down projection needs several bindings', async () => {
    const { model, hparams } = await made({ type: 'Q8_0', shape: { nExpert: 16 } });
    await expect(ownDecoder(context, model, hparams, usual, 8_000)).rejects.toMatchObject({ code: 'gpu-limit' });
    await model.close();
  });
});
