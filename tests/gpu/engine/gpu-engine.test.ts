import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine, type GpuEngineOptions } from '../../../src/gpu/engine/gpu-engine';
import type { ModelFile } from '../../../src/gguf/model-file';
import { weightSlot } from '../../../src/model/weights';
import type { StepOptions } from '../../../src/model/engine';
import type { HParams } from '../../../src/model/hparams';
import { bits, captureAll, forward, range, type Forward } from '../../cpu/support';
import { relativeRms } from '../../support/golden';
import { ownContext, testContext } from '../../support/gpu';
import { made } from './support';

const MODEL = {
  type: 'Q8_0',
  shape: { nLayer: 3, nExpert: 6, nExpertUsed: 2, nFfExp: 64, nVocab: 1000 },
} as const;
const TOKENS = Uint32Array.from([5, 300, 7, 7, 11, 500, 13, 17, 19, 23]);
const ALL: StepOptions = { capture: captureAll(range(TOKENS.length)) };

let context: GpuContext;
let model: ModelFile;
let hparams: HParams;
beforeAll(async () => {
  context = await testContext();
  ({ model, hparams } = await made(MODEL));
});
afterAll(() => {
  context.dispose();
});

async function run(extra: Partial<GpuEngineOptions> = {}, options: StepOptions = ALL): Promise<Forward> {
  const engine = createGpuEngine({ context, model, hparams, ...extra });
  const result = await forward(engine, hparams, TOKENS, options);
  await engine.dispose();
  return result;
}

/** Every capture as `stage layer: bits`. */
function allBits({ captures }: Forward): readonly string[] {
  return captures.map((captured) => `${captured.stage} ${String(captured.layer)}: ${bits(captured).join()}`);
}

describe('every bit is the same', () => {
  it('in a second run, of the same engine and of another', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    const first = allBits(await forward(engine, hparams, TOKENS, ALL));
    expect(first).toHaveLength(3 + 24 * 3);
    expect(allBits(await forward(engine, hparams, TOKENS, ALL))).toEqual(first);
    await engine.dispose();
    expect(allBits(await run())).toEqual(first);
  });

  it('on the default limits', async () => {
    const small = await testContext('default');
    expect(allBits(await run({ context: small }))).toEqual(allBits(await run()));
    small.dispose();
  });

  it.each([1, 20_000, 100_000])('with a budget of %i bytes', async (budget) => {
    const engine = createGpuEngine({ context, model, hparams, budget });
    const squeezed = await forward(engine, hparams, TOKENS, ALL);
    const { evictions, weightBytes } = engine.stats();
    await engine.dispose();
    expect(evictions).toBeGreaterThan(10);
    expect(weightBytes).toBeLessThan(150_000);
    expect(allBits(squeezed)).toEqual(allBits(await run()));
  });

  it.each([1, 3, 7])('in chunks of %i tokens', async (chunkTokens) => {
    expect(allBits(await run({ chunkTokens }))).toEqual(allBits(await run()));
  });

  it('with all weights loaded beforehand, on any limits', async () => {
    const expected = allBits(await run());
    const small = await testContext('default');
    for (const on of [context, small]) {
      let reads = 0;
      const hooks = { onRead: (): void => void reads++ };
      const engine = createGpuEngine({ context: on, model, hparams, hooks, chunkTokens: 7 });
      expect(await engine.preload()).toBe(true);
      const before = reads;
      const loaded = await forward(engine, hparams, TOKENS, ALL);
      expect(reads).toBe(before);
      expect(engine.stats().weightBytes).toBe(engine.resident()?.bytes);
      await engine.dispose();
      expect(allBits(loaded)).toEqual(expected);
    }
    expect(small.bytes).toBe(0);
    small.dispose();
  });

  it('with all weights loaded behind a streamed prompt: never there twice', async () => {
    const own = await testContext();
    const engine = createGpuEngine({ context: own, model, hparams });
    const streamed = allBits(await forward(engine, hparams, TOKENS, ALL));
    const before = engine.stats();
    // While weights get their places: the loader's buffers behind them have one size for all models.
    let most = 0;
    const allocate = own.allocate.bind(own);
    own.allocate = (label, ...rest) => {
      const buffer = allocate(label, ...rest);
      if (label.includes('.weight')) most = Math.max(most, own.bytes);
      return buffer;
    };
    expect(await engine.preload()).toBe(true);
    const { weightBytes } = engine.stats();
    // Everything but experts that nobody chose was there before; beside the weights there is what the engine keeps between steps.
    expect(before.weightBytes).toBeGreaterThan(0.8 * weightBytes);
    expect(most).toBeGreaterThanOrEqual(weightBytes);
    expect(most).toBeLessThan(1.02 * weightBytes + before.bytes - before.weightBytes);
    expect(allBits(await forward(engine, hparams, TOKENS, ALL))).toEqual(streamed);
    await engine.dispose();
    expect(own.bytes).toBe(0);
    own.dispose();
  });

  it('with all weights loaded and tensors cut in many tiles', async () => {
    // Bindings as small as an adapter may never have: experts of one tensor in several buffers, the head in more.
    const tight = await testContext();
    Object.defineProperty(tight, 'maxBindingBytes', { value: 10_000 });
    const engine = createGpuEngine({ context: tight, model, hparams });
    await engine.preload();
    expect(engine.resident()?.matrix(weightSlot(hparams, 'ffn_gate_exps', 0)).length).toBeGreaterThan(1);
    expect(engine.resident()?.matrix(weightSlot(hparams, 'output')).length).toBeGreaterThan(1);
    expect(allBits(await forward(engine, hparams, TOKENS, ALL))).toEqual(allBits(await run()));
    await engine.dispose();
    tight.dispose();
  });

  it('without stored scores, whatever is captured', async () => {
    const shape = { nLayer: 2, nHead: 4, nHeadKv: 2, headDim: 32, nVocab: 300 };
    const heads = await made({ type: 'Q8_0', shape });
    const tokens = Uint32Array.from({ length: 70 }, (_, i) => (i * 37) % 300);
    const bitsOf = async (fuseAttention: boolean, positions: readonly number[], chunkTokens: number) => {
      const engine = createGpuEngine({ context, ...heads, fuseAttention, chunkTokens });
      const first = await forward(engine, heads.hparams, tokens.slice(0, 40), { capture: new Map() });
      const capture = new Map([...captureAll(positions), ['attention', range(30, 40)] as const]);
      const rest = await forward(engine, heads.hparams, tokens.slice(40), { capture }, 40);
      await engine.dispose();
      expect(first.captures).toHaveLength(0);
      return allBits(rest);
    };
    const expected = await bitsOf(false, [41, 42, 69], Infinity);
    expect(await bitsOf(true, [41, 42, 69], Infinity)).toEqual(expected);
    expect(await bitsOf(true, [41, 42, 69], 13)).toEqual(expected);
    const attention = (all: readonly string[]) => all.filter((line) => line.startsWith('attention'));
    expect(attention(await bitsOf(true, [], 13))).toEqual(attention(expected));
  });

  it('in the logits, captured alone', async () => {
    const last = TOKENS.length - 1;
    const bare = await run({}, { capture: new Map([['lm_head', [last]]]) });
    expect(bare.captures).toHaveLength(1);
    const whole = bits((await run()).captured('lm_head')).slice(last * hparams.nVocab);
    expect(bits(bare.captured('lm_head'))).toEqual(whole);
  });
});

describe('captures', () => {
  it('hold the asked positions only', async () => {
    const some = await run({ chunkTokens: 4 }, { capture: captureAll([0, 3, 4, 9]) });
    const whole = await run();
    for (const captured of some.captures) {
      const full = whole.captured(captured.stage, captured.layer);
      const width = captured.data.length / 4;
      const expected = [0, 3, 4, 9].flatMap((p) => [...bits(full).subarray(p * width, (p + 1) * width)]);
      expect([...bits(captured)], captured.stage).toEqual(expected);
    }
  });

  it('of tokens that repeat read each row of the embedding once', async () => {
    let read = 0;
    const onRead = (_: string, bytes: number): void => void (read += bytes);
    const engine = createGpuEngine({ context, model, hparams, hooks: { onRead } });
    const tokens = Uint32Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 7 : 300));
    await engine.begin(tokens, 0, { capture: new Map() });
    const table = model.tensors.get('token_embd.weight');
    expect(read).toBe((2 * (table?.bytes ?? 0)) / hparams.nVocab);
    await engine.dispose();
  });

  it('of positions outside the step are refused', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    const begin = engine.begin(TOKENS, 0, { capture: new Map([['embedding', [10]]]) });
    await expect(begin).rejects.toMatchObject({ code: 'plan-range' });
    await engine.dispose();
  });
});

describe('a continued prompt', () => {
  it('gives what the whole prompt gives', async () => {
    const whole = await run();
    const engine = createGpuEngine({ context, model, hparams });
    await forward(engine, hparams, TOKENS.slice(0, 6), { capture: new Map() });
    await forward(engine, hparams, TOKENS.slice(6, 9), { capture: new Map() }, 6);
    const last = await forward(engine, hparams, TOKENS.slice(9), { capture: captureAll([9]) }, 9);
    await engine.dispose();
    expect(last.captured('attn_softmax', 0).shape).toEqual([1, 4, 10]);
    for (const [stage, layer] of [['lm_head'], ['k_post_rope', 2], ['moe_ffn_out', 1]] as const) {
      const full = whole.captured(stage, layer).data;
      const part = last.captured(stage, layer).data;
      // Another variant of the products may serve one token than ten: the order of sums differs, not the value.
      expect(relativeRms(part, full.subarray(full.length - part.length)), stage).toBeLessThan(1e-6);
    }
  });

  it('cannot skip positions', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    await expect(engine.begin(TOKENS, 4, ALL)).rejects.toMatchObject({ code: 'internal' });
    await engine.dispose();
  });
});

describe('forced experts', () => {
  it('replace the own choice and take their weights from the own probabilities', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    const forcedExperts = Uint32Array.from({ length: 20 }, (_, i) => (i * 5 + 1) % 6);
    await engine.begin(TOKENS, 0, { capture: new Map() });
    const { captures } = await engine.layer(0, { ...ALL, forcedExperts });
    await engine.dispose();
    expect(captures.get('moe_router_indices')?.data).toEqual(forcedExperts);
    const probs = captures.get('moe_router_probs')?.data ?? [];
    const weights = captures.get('moe_router')?.data ?? [];
    for (let t = 0; t < TOKENS.length; t++) {
      const [a = 0, b = 0] = [0, 1].map((slot) => probs[t * 6 + (forcedExperts[2 * t + slot] ?? 0)] ?? NaN);
      expect(weights[2 * t]).toBeCloseTo(a / (a + b), 6);
      expect(weights[2 * t + 1]).toBeCloseTo(b / (a + b), 6);
    }
  });

  it('must be experts of the model', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    await engine.begin(TOKENS, 0, { capture: new Map() });
    const wrong = engine.layer(0, { ...ALL, forcedExperts: new Uint32Array(20).fill(6) });
    await expect(wrong).rejects.toMatchObject({ code: 'internal' });
    await engine.dispose();
  });
});

describe('a step', () => {
  it('refuses tokens that the vocabulary does not have, and none at all', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    await expect(engine.begin(Uint32Array.from([1000]), 0, ALL)).rejects.toMatchObject({ code: 'prompt-token' });
    await expect(engine.begin(new Uint32Array(0), 0, ALL)).rejects.toMatchObject({ code: 'prompt-empty' });
    await engine.dispose();
  });

  it('refuses to go out of turn', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    await expect(engine.layer(0, ALL)).rejects.toMatchObject({ code: 'internal' });
    await engine.begin(TOKENS, 0, ALL);
    await expect(engine.layer(1, ALL)).rejects.toMatchObject({ code: 'internal' });
    await engine.dispose();
  });

  it('stops when it is cancelled, and the next run is whole', async () => {
    const expected = allBits(await run());
    let reads = 0;
    const abort = new AbortController();
    const hooks = {
      onRead: (): void => {
        if (++reads === 12) abort.abort();
      },
    };
    const engine = createGpuEngine({ context, model, hparams, hooks });
    const cancelled = forward(engine, hparams, TOKENS, { ...ALL, signal: abort.signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(allBits(await forward(engine, hparams, TOKENS, ALL))).toEqual(expected);
    await engine.dispose();
  });

  it('hands on what goes wrong with the file, and the next run is whole', async () => {
    let broken = true;
    const flaky: ModelFile = {
      ...model,
      bytesRead: 0,
      readTensor: (tensor, offset, length, signal) =>
        broken && tensor.name === 'blk.1.ffn_up_exps.weight'
          ? Promise.reject(new Error('no disk'))
          : model.readTensor(tensor, offset, length, signal),
    };
    const engine = createGpuEngine({ context, model: flaky, hparams });
    await expect(forward(engine, hparams, TOKENS, ALL)).rejects.toThrow('no disk');
    broken = false;
    expect(allBits(await forward(engine, hparams, TOKENS, ALL))).toEqual(allBits(await run()));
    await engine.dispose();
  });

  it('survives a model that is not finite: experts stay distinct and in range', async () => {
    const nonFinite: ModelFile = {
      ...model,
      bytesRead: 0,
      async readTensor(tensor, offset, length, signal) {
        const bytes = await model.readTensor(tensor, offset, length, signal);
        if (tensor.name === 'blk.1.ffn_gate_inp.weight') new Float32Array(bytes.buffer).fill(NaN);
        return bytes;
      },
    };
    const engine = createGpuEngine({ context, model: nonFinite, hparams });
    const captures = await forward(engine, hparams, TOKENS, ALL);
    await engine.dispose();
    const chosen = captures.captured('moe_router_indices', 1).data;
    for (let t = 0; t < TOKENS.length; t++) {
      const [a = 9, b = 9] = chosen.subarray(2 * t, 2 * t + 2);
      expect(a).not.toBe(b);
      expect(Math.max(a, b)).toBeLessThan(6);
    }
  });
});

describe('the device', () => {
  it('gets all its memory back', async () => {
    const own = await testContext();
    const engine = createGpuEngine({ context: own, model, hparams });
    await forward(engine, hparams, TOKENS, ALL);
    expect(own.bytes).toBeGreaterThan(100_000);
    await engine.dispose();
    await engine.dispose();
    expect(own.bytes).toBe(0);
    own.dispose();
  });

  it('reads only chosen experts, each once', async () => {
    const engine = createGpuEngine({ context, model, hparams });
    const result = await forward(engine, hparams, TOKENS, ALL);
    const experts = range(3).reduce((n, l) => n + new Set(result.captured('moe_router_indices', l).data).size, 0);
    const before = engine.stats();
    expect(before.expertsRead).toBe(3 * experts);
    await forward(engine, hparams, TOKENS, ALL);
    const after = engine.stats();
    await engine.dispose();
    expect(after.expertsRead).toBe(before.expertsRead);
    expect(after.hits).toBeGreaterThan(before.hits);
  });

  it('fails the step in progress when it is lost', async () => {
    const own = await ownContext();
    const engine = createGpuEngine({ context: own, model, hparams });
    await engine.begin(TOKENS, 0, ALL);
    const layer = engine.layer(0, ALL);
    own.device.destroy();
    await expect(layer).rejects.toMatchObject({ code: 'gpu-lost' });
    await engine.dispose();
  });
});
