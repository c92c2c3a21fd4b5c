import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCpuEngine } from '../../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../../src/cpu/pool/inline-pool';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import type { DecodeChoice } from '../../../src/gpu/decode/decode-kernels';
import { createDecoder } from '../../../src/gpu/decode/decoder';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { ACTIVE_STAGES } from '../../../src/model/stages';
import { bits, captureAll, forward, openGolden, range } from '../../cpu/support';
import { relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { made } from '../engine/support';
import { fileWeights } from './file-weights';
import { ownDecoder } from './support';

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

const tokensOf = (count: number, nVocab: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: count }, (_, i) => (i * 37 + 11) % nVocab);

describe('a decoder', () => {
  it('gives the same bits again, captured or not, and names the largest logit', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    for (const [position, token] of tokensOf(3, hparams.nVocab).entries()) {
      const plain = await decoder.decode(token, position, { logits: true });
      const traced = await decoder.decode(token, position, { logits: true, capture: { stages: ACTIVE_STAGES } });
      const some = await decoder.decode(token, position, {
        logits: true,
        capture: { stages: ['moe_router'], layers: [1] },
      });
      const words = [plain, traced, some].map(({ logits }) => new Uint32Array(logits?.buffer ?? new ArrayBuffer(0)));
      expect(words[0]).toHaveLength(hparams.nVocab);
      expect(words[1]).toEqual(words[0]);
      expect(words[2]).toEqual(words[0]);
      expect(some.taps.map(({ stage, layer }) => [stage, layer])).toEqual([['moe_router', 1]]);
      const largest = Math.max(...(plain.logits ?? []));
      expect(plain.token).toBe(plain.logits?.indexOf(largest));
    }
    expect(decoder.dispatches.layer).toBeLessThanOrEqual(10);
    dispose();
    await model.close();
  });

  it('generates what it decodes one by one, and stops when told', async () => {
    const { model, hparams } = await openGolden('tied-q4_k_m');
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    const single: number[] = [];
    for (let i = 0; i < 6; i++) single.push((await decoder.decode(single.at(-1) ?? 5, i)).token);
    const made = await decoder.generate(5, 0, { count: 6 });
    expect(made.map(({ token }) => token)).toEqual(single);
    const stopped = await decoder.generate(5, 0, { count: 6, onToken: (_, index) => index === 2 });
    expect(stopped.map(({ token }) => token)).toEqual(single.slice(0, 3));
    dispose();
    await model.close();
  });

  it("goes on from an engine's keys, over one and over several splits, and the engine from its", async () => {
    const { model, hparams } = await openGolden('deep-q8_0');
    const engine = createGpuEngine({ context, model, hparams });
    const prompt = tokensOf(150, hparams.nVocab);
    await forward(engine, hparams, prompt, { capture: new Map() });
    const keys = await engine.keys();
    expect(keys.kept).toBe(150);
    const weights = await fileWeights(context, model, hparams);
    const decoder = await createDecoder({ context, hparams, weights, keys, choice: usual });
    // Several splits, then one; each step of the engine forgets what comes after it.
    for (const position of [150, 100]) {
      const { taps } = await decoder.decode(7, position, { capture: { stages: ACTIVE_STAGES } });
      const again = await forward(engine, hparams, Uint32Array.of(7), { capture: captureAll([position]) }, position);
      for (const tap of taps) {
        const expected = again.tap(tap.stage, tap.layer);
        expect(tap.shape, tap.stage).toEqual(expected.shape);
        if (tap.stage === 'moe_router_indices') expect(tap.data).toEqual(expected.data);
        else expect(relativeRms(tap.data, expected.data), `${tap.stage} ${String(tap.layer)}`).toBeLessThan(LIMIT);
      }
    }
    // The engine continues what the decoder wrote.
    await decoder.decode(9, 151);
    keys.keep(152);
    const own = await forward(engine, hparams, Uint32Array.of(3), { capture: captureAll([152]) }, 152);
    const { logits } = await decoder.decode(3, 152, { logits: true });
    expect(relativeRms(logits ?? [], own.tap('lm_head').data)).toBeLessThan(LIMIT);
    decoder.dispose();
    weights.dispose();
    await engine.dispose();
    await model.close();
  });

  it.each(['mini-q4_k_m', 'tied-q4_k_m'])(
    'decodes %s with the weights that an engine preloaded: the same bits',
    async (name) => {
      const { model, hparams } = await openGolden(name);
      const engine = createGpuEngine({ context, model, hparams });
      expect(await engine.preload()).toBe(true);
      const prompt = tokensOf(5, hparams.nVocab);
      await forward(engine, hparams, prompt, { capture: new Map() });
      const keys = await engine.keys();
      const own = await fileWeights(context, model, hparams);
      const resident = engine.resident();
      if (resident === undefined) throw new Error('not resident');
      const logits: Float32Array[] = [];
      for (const weights of [own, resident]) {
        const decoder = await createDecoder({ context, hparams, weights, keys, choice: usual });
        logits.push((await decoder.decode(7, 5, { logits: true })).logits ?? new Float32Array(0));
        decoder.dispose();
      }
      expect(logits[0]?.length).toBe(hparams.nVocab);
      expect(logits[1]).toEqual(logits[0]);
      // The file's weights are the engine's still: what it decodes itself agrees.
      const engineOwn = await forward(engine, hparams, Uint32Array.of(7), { capture: captureAll([5]) }, 5);
      expect(relativeRms(logits[1] ?? [], engineOwn.tap('lm_head').data)).toBeLessThan(LIMIT);
      own.dispose();
      await engine.dispose();
      await model.close();
    },
  );

  it('refuses tokens that are not there', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    await expect(decoder.decode(hparams.nVocab, 0)).rejects.toMatchObject({ code: 'prompt-token' });
    dispose();
    await model.close();
  });
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

describe('every way of the kernels', () => {
  const ways: readonly {
    readonly name: string;
    readonly change: (c: DecodeChoice) => DecodeChoice;
    readonly maxBytes?: number;
  }[] = [
    { name: 'as usual', change: (c) => c },
    { name: 'sums in workgroup memory', change: (c) => ({ ...c, subgroups: false }) },
    { name: 'plain dots, three rows ahead', change: (c) => ({ ...c, dots: 'plain', ahead: 3 }) },
    {
      name: 'one row a team, small workgroups, tiled weights',
      change: (c) => ({
        ...c,
        teams: Object.fromEntries(
          Object.entries(c.teams).map(([k, t]) => [k, { ...t, group: 32, batches: 1 }]),
        ) as unknown as DecodeChoice['teams'],
      }),
      // Two experts of the first shape's gate, whose down projection still fits.
      maxBytes: 80_000,
    },
  ];
  for (const { name: shapeName, shape } of SHAPES) {
    it.each(ways)(`agrees with the reference on ${shapeName}: $name`, async ({ change, maxBytes }) => {
      const { model, hparams } = await made({ type: 'Q8_0', shape });
      const tokens = tokensOf(2, hparams.nVocab);
      const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
      const expected = await forward(cpu, hparams, tokens, { capture: captureAll(range(tokens.length)) });
      await cpu.dispose();
      const tiles = maxBytes === undefined || shapeName !== SHAPES[0].name ? undefined : maxBytes;
      const { decoder, dispose } = await ownDecoder(context, model, hparams, change(usual), tiles);
      for (const [position, token] of tokens.entries()) {
        const { taps } = await decoder.decode(token, position, { capture: { stages: ACTIVE_STAGES } });
        for (const tap of taps) {
          // Of the reference's (head, token, key) a decoded token has no row of its own.
          if (tap.stage === 'attn_scores' || tap.stage === 'attn_softmax') continue;
          const all = expected.tap(tap.stage, tap.layer);
          const length = tap.data.length;
          const row = all.data.subarray(position * length, (position + 1) * length);
          if (tap.stage === 'moe_router_indices') expect([...bits(tap)]).toEqual([...row]);
          else
            expect(relativeRms(tap.data, row), `${tap.stage} ${String(tap.layer)} at ${position}`).toBeLessThan(LIMIT);
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
