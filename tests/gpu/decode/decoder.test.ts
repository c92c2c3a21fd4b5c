import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  attentionPlan,
  isJoined,
  SINGLE_HEADS,
  type AttentionChoice,
} from '../../../src/fusions/attention/attention-plan';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import type { DecodeChoice } from '../../../src/fusions/choice';
import { createDecoder, type Decoded } from '../../../src/gpu/decode/decoder';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { ACTIVE_STAGES } from '../../support/stages';
import { captureAll, forward, openGolden } from '../../cpu/support';
import { GOLDEN_MODELS, goldenPrompts, loadGolden, relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { fileWeights } from './file-weights';
import { ownDecoder, tokensOf } from './support';

/** Relative RMS at the worst stage against the golden (float64) or the engine: f32 sums of up to 512 products, in another order. */
const LIMIT = 1e-5;

/** Whose prompt of 12 tokens is decoded: heads of 64, of 128 and of 32. Of the others the shortest prompt, for the sake of their types. */
const LONG = ['mini-q4_k_m', 'deep-q8_0', 'tied-q4_k_m'];

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
      expect(some.captures.map(({ stage, layer }) => [stage, layer])).toEqual([['moe_router', 1]]);
      const largest = Math.max(...(plain.logits ?? []));
      expect(plain.token).toBe(plain.logits?.indexOf(largest));
    }
    // qkv, attention and joined splits (or none), projection, router, gate with up and SwiGLU, down with its sum: 10 are allowed.
    expect(decoder.dispatches.layer).toBe(isJoined(attentionPlan(hparams, usual.attention, 1).method) ? 7 : 6);
    dispose();
    await model.close();
  });

  it('runs known tokens behind each other with the bits of one at a time, more than it has under way at once', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    const tokens = [...tokensOf(11, hparams.nVocab)];
    let alone: Decoded | undefined;
    for (const [i, token] of tokens.entries()) alone = await decoder.decode(token, i, { logits: true });
    const together = await decoder.follow(tokens, 0, { logits: true });
    expect(together.token).toBe(alone?.token);
    expect(together.logits).toHaveLength(hparams.nVocab);
    expect(new Uint32Array(together.logits?.buffer ?? [])).toEqual(new Uint32Array(alone?.logits?.buffer ?? []));
    await expect(decoder.follow([3, hparams.nVocab], 0)).rejects.toMatchObject({ code: 'prompt-token' });
    await expect(decoder.follow([], 0)).rejects.toMatchObject({ code: 'prompt-empty' });
    await expect(decoder.follow(tokens, 0, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'run-cancelled',
    });
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

  it('lends what it captured, the same values as it gives away', async () => {
    const { model, hparams } = await openGolden('tied-q4_k_m');
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    const common = { count: 4, capture: { stages: ['moe_router', 'moe_ffn_out'] as const }, logits: true };
    const given = await decoder.generate(5, 0, common);
    const seen: string[] = [];
    const valuesOf = ({ token, logits, captures }: Decoded): string =>
      JSON.stringify([token, [...(logits ?? [])], captures]);
    const onToken = (decoded: Decoded): undefined => void seen.push(valuesOf(decoded));
    const lent = await decoder.generate(5, 0, { ...common, lends: true, onToken });
    expect(seen).toEqual(given.map(valuesOf));
    expect(new Set(seen).size).toBe(4);
    expect(lent).toEqual(given.map(({ token }) => ({ token, logits: undefined, captures: [] })));
    dispose();
    await model.close();
  });

  it('builds ahead what longer contexts need, once', async () => {
    const { model, hparams } = await openGolden('tied-q4_k_m');
    const attention: AttentionChoice = [
      { from: 1, method: { kernel: 'shared', splits: 32 } },
      { from: 4, method: { kernel: 'shared', splits: 64 } },
    ];
    const { decoder, dispose } = await ownDecoder(context, model, hparams, { ...usual, attention });
    await decoder.prepareFor(0, 8);
    const bound = vi.spyOn(context.device, 'createBindGroup');
    await decoder.generate(5, 0, { count: 8 });
    expect(bound).not.toHaveBeenCalled();
    // More positions need other buffers, and whatever reads those.
    await decoder.generate(5, 0, { count: 9 });
    expect(bound).toHaveBeenCalled();
    bound.mockRestore();
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
    const weights = await fileWeights(context, model);
    const heads = { ...usual, attention: SINGLE_HEADS };
    const [whole] = SINGLE_HEADS;
    if (whole === undefined) throw new Error('no method');
    const shared = { ...usual, attention: [whole, { from: 129, method: { kernel: 'shared', splits: 32 } }] } as const;
    const laneGroup = { kernel: 'lane-groups', lanes: 4, heads: 2 } as const;
    const laneGroups = {
      ...usual,
      attention: [
        { from: 1, method: { ...laneGroup, splits: 1 } },
        { from: 129, method: { ...laneGroup, splits: 8 } },
      ],
    } as const;
    const decoders = await Promise.all(
      [heads, shared, laneGroups].map((choice) => createDecoder({ context, hparams, weights, keys, choice })),
    );
    // Several splits, then one; each step of the engine forgets what comes after it.
    for (const position of [150, 100]) {
      const all = [];
      for (const decoder of decoders) {
        const { captures } = await decoder.decode(7, position, { capture: { stages: ACTIVE_STAGES } });
        all.push(captures);
        expect(decoder.dispatches.layer).toBe(position === 150 ? 7 : 6);
      }
      const again = await forward(engine, hparams, Uint32Array.of(7), { capture: captureAll([position]) }, position);
      for (const captured of all.flat()) {
        const expected = again.captured(captured.stage, captured.layer);
        expect(captured.shape, captured.stage).toEqual(expected.shape);
        if (captured.stage === 'moe_router_indices') expect(captured.data).toEqual(expected.data);
        else
          expect(relativeRms(captured.data, expected.data), `${captured.stage} ${String(captured.layer)}`).toBeLessThan(
            LIMIT,
          );
      }
    }
    const [, decoder] = decoders;
    if (decoder === undefined) throw new Error('no decoder');
    // The engine continues what the decoder wrote.
    await decoder.decode(9, 151);
    keys.keep(152);
    const own = await forward(engine, hparams, Uint32Array.of(3), { capture: captureAll([152]) }, 152);
    const { logits } = await decoder.decode(3, 152, { logits: true });
    expect(relativeRms(logits ?? [], own.captured('lm_head').data)).toBeLessThan(LIMIT);
    for (const one of decoders) one.dispose();
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
      const own = await fileWeights(context, model);
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
      expect(relativeRms(logits[1] ?? [], engineOwn.captured('lm_head').data)).toBeLessThan(LIMIT);
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

describe('decoding, token by token', () => {
  it.each(['tiny-moe-6x16', ...GOLDEN_MODELS])('agrees with %s at every stage of every position', async (name) => {
    const [first = ''] = goldenPrompts(name);
    const prompt = LONG.includes(name) ? 'p12' : first;
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, prompt);
    const { decoder, dispose } = await ownDecoder(context, model, hparams);
    const wrong: string[] = [];
    let compared = 0;
    const capture = { stages: ACTIVE_STAGES };
    for (const [position, token] of golden.tokens.entries()) {
      const { captures } = await decoder.decode(token, position, { capture });
      const held = golden.positions.indexOf(position);
      if (held < 0) continue;
      for (const { stage, layer, data } of captures) {
        const expected = golden.stage(stage, layer);
        if (expected === undefined) continue;
        const row = rowOf(expected, stage, held, position + 1, golden.tokens.length);
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
    // Most of what the golden holds: nothing was left out by a wrong name.
    expect(compared).toBeGreaterThan(0.74 * golden.held.length * golden.positions.length);
  });
});

/** One row of a golden array: (tokens, ...), or (tokens, heads, nTokens), of which the first `nKeys`. */
function rowOf(
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  stage: string,
  row: number,
  nKeys: number,
  nTokens: number,
): readonly number[] {
  const all = Array.from(data);
  if (stage !== 'attn_scores' && stage !== 'attn_softmax') {
    const length = all.length / (shape[0] ?? 1);
    return all.slice(row * length, (row + 1) * length);
  }
  const heads = shape[1] ?? 1;
  return Array.from({ length: heads }, (_, h) => {
    const at = (row * heads + h) * nTokens;
    return all.slice(at, at + nKeys);
  }).flat();
}
