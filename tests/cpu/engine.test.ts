import { describe, expect, it } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import type { Engine, StepOptions } from '../../src/model/engine';
import { readHParams } from '../../src/model/read-hparams';
import { ACTIVE_STAGES } from '../support/stages';
import { loadGolden } from '../support/golden';
import { makeModel, type ModelRecipe } from '../support/gguf-models';
import { bits, captureAll, forward, openGolden, range } from './support';

function engineOf(model: ModelFile): Engine {
  return createCpuEngine({ model, hparams: readHParams(model), pool: createInlinePool(model) });
}

async function made(recipe: ModelRecipe): Promise<ModelFile> {
  return openModel([memorySource(makeModel(recipe), 'made.gguf')]);
}

describe('capturing', () => {
  it('takes the asked positions only, with the same bits', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { tokens } = loadGolden('mini-q4_k_m', 'p12');
    const engine = engineOf(model);
    const whole = await forward(engine, hparams, tokens, { capture: captureAll(range(12)) });
    const some = await forward(engine, hparams, tokens, { capture: captureAll([3, 11]) });
    for (const captured of some.captures) {
      const full = whole.captured(captured.stage, captured.layer);
      expect(captured.positions).toEqual([3, 11]);
      expect(captured.shape[0]).toBe(2);
      expect(captured.data).toHaveLength(captured.shape.reduce((a, b) => a * b, 1));
      const width = full.data.length / 12;
      const expected = [3, 11].flatMap((p) => [...bits(full).subarray(p * width, (p + 1) * width)]);
      expect([...bits(captured)], captured.stage).toEqual(expected);
    }
    await model.close();
  });

  it('changes no bit of the logits', async () => {
    const { model, hparams } = await openGolden('mini-q6_k');
    const { tokens } = loadGolden('mini-q6_k', 'p12');
    const engine = engineOf(model);
    const logits: StepOptions = { capture: new Map([['lm_head', [11]]]) };
    const bare = await forward(engine, hparams, tokens, logits);
    const all = await forward(engine, hparams, tokens, { capture: captureAll(range(12)), bounds: true });
    expect(bare.captures).toHaveLength(1);
    const [last] = [all.captured('lm_head')].map((captured) => bits(captured).subarray(11 * hparams.nVocab));
    expect([...bits(bare.captured('lm_head'))]).toEqual([...(last ?? [])]);
    await model.close();
  });

  it('gives scores of future keys and exactly zero softmax for them', async () => {
    const { model, hparams } = await openGolden('mini-f32');
    const { tokens } = loadGolden('mini-f32', 'p12');
    const run = await forward(engineOf(model), hparams, tokens, { capture: captureAll(range(12)) });
    const scores = run.captured('attn_scores', 0).data;
    const softmax = run.captured('attn_softmax', 0).data;
    const { nHead } = hparams;
    for (let head = 0; head < nHead; head++) {
      for (let q = 0; q < 12; q++) {
        for (let k = q + 1; k < 12; k++) {
          expect(scores[(q * nHead + head) * 12 + k]).not.toBe(0);
          expect(softmax[(q * nHead + head) * 12 + k]).toBe(0);
        }
      }
    }
    await model.close();
  });

  it('refuses positions that are not of the step', async () => {
    const model = await made({});
    const capture = new Map([['embedding' as const, [0, 2]]]);
    await expect(engineOf(model).begin(Uint32Array.of(1, 2), 0, { capture })).rejects.toMatchObject({
      code: 'plan-range',
    });
  });
});

describe('continuing a prompt', () => {
  it('gives the bits of the whole prompt at once', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { tokens } = loadGolden('mini-q4_k_m', 'p12');
    const engine = engineOf(model);
    const whole = await forward(engine, hparams, tokens, { capture: captureAll([11]) });
    await forward(engine, hparams, tokens.slice(0, 5), { capture: new Map() });
    await forward(engine, hparams, tokens.slice(5, 11), { capture: new Map() }, 5);
    const last = await forward(engine, hparams, tokens.slice(11), { capture: captureAll([11]) }, 11);
    expect(last.captures).toHaveLength(whole.captures.length);
    for (const captured of last.captures) {
      const once = whole.captured(captured.stage, captured.layer);
      expect(captured.shape).toEqual(once.shape);
      expect([...bits(captured)], captured.stage).toEqual([...bits(once)]);
    }
    await model.close();
  });

  it('takes back positions: a shorter nPast forgets what came after', async () => {
    const model = await made({});
    const hparams = readHParams(model);
    const engine = engineOf(model);
    await forward(engine, hparams, Uint32Array.of(1, 2, 3, 4), { capture: new Map() });
    const again = await forward(engine, hparams, Uint32Array.of(9), { capture: captureAll([2]) }, 2);
    const fresh = await forward(engine, hparams, Uint32Array.of(1, 2, 9), { capture: captureAll([2]) });
    expect([...bits(again.captured('lm_head'))]).toEqual([...bits(fresh.captured('lm_head'))]);
    await expect(engine.begin(Uint32Array.of(1), 4, { capture: new Map() })).rejects.toMatchObject({
      code: 'internal',
    });
  });
});

describe('error bounds', () => {
  it('come with every capture but the chosen experts, for the captured positions', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { tokens } = loadGolden('mini-q4_k_m', 'p12');
    const engine = engineOf(model);
    const whole = await forward(engine, hparams, tokens, { capture: captureAll(range(12)), bounds: true });
    const last = await forward(engine, hparams, tokens, { capture: captureAll([11]), bounds: true });
    for (const captured of whole.captures) {
      if (captured.stage === 'moe_router_indices') {
        expect(captured.bound).toBeUndefined();
        continue;
      }
      expect(captured.bound?.length, captured.stage).toBe(captured.data.length);
      captured.data.forEach((value, i) => {
        const bound = captured.bound?.[i] ?? NaN;
        // At least the capture's own rounding, except for keys that the mask hides; at most a fair share of the largest values.
        const hidden = captured.stage === 'attn_softmax' && value === 0;
        if (!(hidden ? bound === 0 : bound >= Math.abs(value) * 2 ** -25 && bound < 1)) {
          throw new Error(`${captured.stage}: value ${value}, bound ${bound}`);
        }
      });
      if (captured.shape[0] !== 12) continue;
      const width = captured.data.length / 12;
      expect([...(last.captured(captured.stage, captured.layer).bound ?? [])], captured.stage).toEqual([
        ...(captured.bound?.subarray(11 * width) ?? []),
      ]);
    }
    await model.close();
  });
});

describe('forced experts', () => {
  it('are used with the weights of the own probabilities', async () => {
    const model = await made({ shape: { nExpert: 5, nExpertUsed: 2 } });
    const hparams = readHParams(model);
    const engine = engineOf(model);
    const options = { capture: captureAll([0, 1]), forcedExperts: Uint32Array.of(4, 1, 0, 3) };
    const run = await forward(engine, hparams, Uint32Array.of(7, 8), options);
    expect([...run.captured('moe_router_indices', 1).data]).toEqual([4, 1, 0, 3]);
    const p = run.captured('moe_router_probs', 1).data;
    const w = run.captured('moe_router', 1).data;
    expect(w[0]).toBeCloseTo(p[4]! / (p[4]! + p[1]!), 6);
    expect(w[2]).toBeCloseTo(p[5]! / (p[5]! + p[8]!), 6);
  });

  it('give the free result when they are what the engine would choose', async () => {
    const { model } = await openGolden('deep-q8_0');
    const { tokens } = loadGolden('deep-q8_0', 'p12');
    const engine = engineOf(model);
    const options = { capture: captureAll(range(12)) };
    await engine.begin(tokens, 0, options);
    const free = await engine.layer(0, options);
    const chosen = free.captures.get('moe_router_indices')?.data;
    await engine.begin(tokens, 0, options);
    const forced = await engine.layer(0, { ...options, forcedExperts: Uint32Array.from(chosen ?? []) });
    const [a, b] = [free, forced].map((step) => step.captures.get('post_ffn_residual'));
    expect(a && [...bits(a)]).toEqual(b && [...bits(b)]);
    await model.close();
  });

  it.each([
    ['too few', Uint32Array.of(1)],
    ['out of range', Uint32Array.of(1, 4, 0, 1)],
  ])('are refused when they are %s', async (_why, forcedExperts) => {
    const model = await made({});
    const engine = engineOf(model);
    await engine.begin(Uint32Array.of(1, 2), 0, { capture: new Map() });
    await expect(engine.layer(0, { capture: new Map(), forcedExperts })).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('odd shapes', () => {
  const shapes: readonly ModelRecipe[] = [
    { shape: { nHeadKv: 1, nHead: 3, headDim: 10, nEmbd: 50, nFfExp: 7, nExpert: 3, nExpertUsed: 3 } },
    { shape: { nHeadKv: 4, nExpert: 60, nExpertUsed: 1, nVocab: 301 } },
    { shape: { nLayer: 1, nEmbd: 768, nFfExp: 768, headDim: 128 }, type: 'Q6_K', tied: true },
  ];
  it.each(shapes)('run and stay finite: %j', async (recipe) => {
    const model = await made(recipe);
    const hparams = readHParams(model);
    const run = await forward(engineOf(model), hparams, Uint32Array.of(5, 250, 5), { capture: captureAll(range(3)) });
    const perLayer = ACTIVE_STAGES.length - 3;
    expect(run.captures).toHaveLength(3 + perLayer * hparams.nLayer);
    for (const captured of run.captures) {
      expect(captured.data.length, captured.stage).toBe(captured.shape.reduce((a, b) => a * b, 1));
      expect([...captured.data].every(Number.isFinite), captured.stage).toBe(true);
    }
  });
});

describe('values that are not finite', () => {
  /** A model whose F32 tensor has one value replaced. */
  async function nonFinite(name: string, index: number, value: number): Promise<ModelFile> {
    const bytes = makeModel({});
    const clean = await openModel([memorySource(bytes, 'made.gguf')]);
    const tensor = clean.tensors.get(name);
    if (tensor === undefined) throw new Error(name);
    new DataView(bytes.buffer).setFloat32(tensor.offset + 4 * index, value, true);
    return openModel([memorySource(bytes, 'made.gguf')]);
  }
  const finite = (values: ArrayLike<number>): boolean => Array.from(values).every(Number.isFinite);

  it('flows from a NaN weight to everything downstream, and the run ends', async () => {
    const model = await nonFinite('blk.0.attn_output.weight', 0, NaN);
    const hparams = readHParams(model);
    const run = await forward(engineOf(model), hparams, Uint32Array.of(1, 2), { capture: captureAll([0, 1]) });
    expect(finite(run.captured('attention', 0).data)).toBe(true);
    const out = run.captured('attn_out', 0).data;
    expect(out[0]).toBeNaN();
    expect(finite(out.subarray(1, hparams.nEmbd))).toBe(true);
    expect(run.captured('moe_router_probs', 0).data.every(Number.isNaN)).toBe(true);
    // All probabilities are NaN: the first experts by index.
    expect([...run.captured('moe_router_indices', 0).data]).toEqual([0, 1, 0, 1]);
    expect(run.captured('lm_head').data.every(Number.isNaN)).toBe(true);
  });

  it('stays with its token until attention spreads it', async () => {
    const model = await nonFinite('token_embd.weight', 2 * 64 + 5, NaN);
    const hparams = readHParams(model);
    const run = await forward(engineOf(model), hparams, Uint32Array.of(1, 2, 3), { capture: captureAll(range(3)) });
    const logits = run.captured('lm_head').data;
    expect(finite(logits.subarray(0, hparams.nVocab))).toBe(true);
    expect(logits.subarray(hparams.nVocab).every(Number.isNaN)).toBe(true);
  });

  it('shows an infinite weight as infinity where it is born', async () => {
    const model = await nonFinite('blk.1.ffn_gate_exps.weight', 0, Infinity);
    const hparams = readHParams(model);
    const options = { capture: captureAll([0]), forcedExperts: Uint32Array.of(0, 1) };
    const run = await forward(engineOf(model), hparams, Uint32Array.of(1), options);
    expect(Math.abs(run.captured('moe_expert_gate', 1).data[0]!)).toBe(Infinity);
    expect(finite(run.captured('post_ffn_residual', 0).data)).toBe(true);
    expect(finite(run.captured('lm_head').data)).toBe(false);
  });
});

describe('steps', () => {
  it('refuses tokens outside the vocabulary, empty prompts and layers out of turn', async () => {
    const model = await made({});
    const engine = engineOf(model);
    const options: StepOptions = { capture: new Map() };
    await expect(engine.begin(Uint32Array.of(288), 0, options)).rejects.toMatchObject({ code: 'prompt-token' });
    await expect(engine.begin(new Uint32Array(0), 0, options)).rejects.toMatchObject({ code: 'prompt-empty' });
    await expect(engine.layer(0, options)).rejects.toMatchObject({ code: 'internal' });
    await engine.begin(Uint32Array.of(1), 0, options);
    await expect(engine.layer(1, options)).rejects.toMatchObject({ code: 'internal' });
    await expect(engine.end(options)).rejects.toMatchObject({ code: 'internal' });
  });

  it('counts what it reads, and reads only the chosen experts', async () => {
    const model = await made({ shape: { nExpert: 60, nExpertUsed: 2 } });
    const read = new Map<string, number>();
    const hooks = {
      onRead: (tensor: string, bytes: number) => void read.set(tensor, (read.get(tensor) ?? 0) + bytes),
    };
    const engine = createCpuEngine({ model, hparams: readHParams(model), pool: createInlinePool(model), hooks });
    const options: StepOptions = { capture: new Map() };
    const begun = await engine.begin(Uint32Array.of(1), 0, options);
    expect(begun.bytesRead).toBe(64 * 4);
    const layer = await engine.layer(0, options);
    const whole = model.tensors.get('blk.0.ffn_down_exps.weight')?.bytes ?? 0;
    expect(read.get('blk.0.ffn_down_exps.weight')).toBe((whole / 60) * 2);
    expect([...read.values()].reduce((a, b) => a + b, 0)).toBe(begun.bytesRead + layer.bytesRead);
  });

  it('runs again after a cancelled step', async () => {
    const { model, hparams } = await openGolden('mini-q8_0');
    const { tokens } = loadGolden('mini-q8_0', 'p12');
    const engine = engineOf(model);
    const options = { capture: captureAll([11]) };
    const whole = await forward(engine, hparams, tokens, options);
    const controller = new AbortController();
    await engine.begin(tokens, 0, options);
    const cancelled = engine.layer(0, { ...options, signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'run-cancelled' });
    const again = await forward(engine, hparams, tokens, options);
    expect([...bits(again.captured('lm_head'))]).toEqual([...bits(whole.captured('lm_head'))]);
    await model.close();
  });
});
