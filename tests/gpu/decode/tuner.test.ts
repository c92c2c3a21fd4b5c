import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import { NEVER, TEAM_KERNELS, type DecodeChoice } from '../../../src/gpu/decode/decode-kernels';
import { chosenAttention } from '../../../src/gpu/decode/tune-attention';
import { joined, readChoice, tuneDecode, tuningKey, waysOf } from '../../../src/gpu/decode/tuner';
import { warmDecode } from '../../../src/gpu/decode/warm-decode';
import { createDecoder } from '../../../src/gpu/decode/decoder';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { openGolden } from '../../cpu/support';
import { ownContext } from '../../support/gpu';
import { fileWeights } from './file-weights';

let context: GpuContext;
let usual: DecodeChoice;
beforeAll(async () => {
  context = await ownContext();
  usual = await defaultChoice(context);
});
afterAll(() => {
  context.dispose();
});

describe('joined', () => {
  it('takes the best change of each kernel that gains, and the usual where none does', () => {
    const ways = waysOf(usual);
    const times: number[] = ways.map(({ name }) =>
      name === 'plain dots'
        ? 90
        : name === 'router 64 lanes, 2 rows'
          ? 80
          : name === 'router 64 lanes, 4 rows'
            ? 70
            : 99.5,
    );
    times[0] = 100;
    const choice = joined(ways, times);
    expect(choice.dots).toBe('plain');
    expect(choice.ahead).toBe(usual.ahead);
    expect(choice.teams.router).toMatchObject({ group: 64, batches: 4 });
    for (const kernel of TEAM_KERNELS)
      if (kernel !== 'router') expect(choice.teams[kernel]).toEqual(usual.teams[kernel]);
  });

  it('keeps to the usual when time was up', () => {
    const ways = waysOf(usual);
    expect(joined(ways, [100, ...ways.slice(1).map(() => undefined)])).toEqual(usual);
  });

  it('tries each way once', () => {
    const ways = waysOf(usual).map(({ choice }) => JSON.stringify(choice));
    expect(new Set(ways).size).toBe(ways.length);
  });
});

describe('chosenAttention', () => {
  const alone = { sharedFrom: NEVER, splits: 32 } as const;
  it('shares keys from where it gains at every longer length, in the splits that are best for the longest', () => {
    const times = [
      { keys: 512, heads: 20, shared: [25, 30] },
      { keys: 2048, heads: 50, shared: [30, 49.9] },
      { keys: 8192, heads: 200, shared: [90, 80] },
    ];
    expect(chosenAttention(alone, times)).toEqual({ sharedFrom: 8192, splits: 64 });
    const [a, b] = times;
    expect(
      chosenAttention(
        alone,
        [a, b, { keys: 8192, heads: 200, shared: [80, 90] }].flatMap((t) => t ?? []),
      ),
    ).toEqual({ sharedFrom: 2048, splits: 32 });
  });

  it('leaves heads alone where sharing does not gain at the longest length, or time was up', () => {
    expect(chosenAttention(alone, [])).toBe(alone);
    const slower = { keys: 8192, heads: 80, shared: [80, 81] };
    expect(chosenAttention(alone, [{ keys: 512, heads: 30, shared: [20, 20] }, slower])).toBe(alone);
    const late = { keys: 8192, heads: undefined, shared: [undefined, undefined] };
    expect(chosenAttention(alone, [{ keys: 512, heads: 30, shared: [20, 20] }, late])).toBe(alone);
  });
});

describe('readChoice', () => {
  it('reads what was written, and nothing else', () => {
    for (const { choice } of waysOf(usual)) expect(readChoice(JSON.stringify(choice), usual)).toEqual(choice);
    for (const attention of [{ sharedFrom: 2048, splits: 64 } as const, { sharedFrom: 512, splits: 32 } as const]) {
      const choice = { ...usual, attention };
      expect(readChoice(JSON.stringify(choice), usual)).toEqual(choice);
    }
    const often = { ...usual, attention: { sharedFrom: 3, splits: 32 } };
    expect(readChoice(JSON.stringify(often), usual)).toBeUndefined();
    const strange = { ...usual, teams: { ...usual.teams, qkv: { ...usual.teams.qkv, group: 7 } } };
    for (const text of ['', 'null', '{}', '{"teams":3}', JSON.stringify(strange)]) {
      expect(readChoice(text, usual), text).toBeUndefined();
    }
  });
});

describe('tuneDecode', () => {
  it('keeps a choice for the device and takes one from the store', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const weights = await fileWeights(context, model, hparams);
    const options = { context, hparams, weights };
    const stored = { ...usual, dots: 'plain' as const };
    const store = new Map([[tuningKey(options), JSON.stringify(stored)]]);
    expect(await tuneDecode({ ...options, store })).toMatchObject({ choice: stored, from: 'kept' });
    store.clear();
    expect(await tuneDecode({ ...options, store })).toMatchObject({ choice: stored, from: 'kept' });
    // Another shape: nothing is known, and a software adapter is not worth measuring.
    const other = await tuneDecode({ ...options, hparams: { ...hparams, nFfExp: hparams.nFfExp * 2 }, store });
    if (context.card.isSoftware) expect(other).toMatchObject({ choice: usual, from: 'usual' });
    else expect(other.from).toBe('measured');
    weights.dispose();
    await model.close();
  });
});

describe('warmDecode', () => {
  it('compiles beside the reading of weights whatever a decoder of the engine needs', async () => {
    const { model, hparams } = await openGolden('tied-q4_k_m');
    const engine = createGpuEngine({ context, model, hparams });
    const compile = vi.spyOn(context.device, 'createComputePipelineAsync');
    expect(await engine.preload(undefined, (layout) => warmDecode({ context, hparams, weights: layout }))).toBe(true);
    const labels = compile.mock.calls.map(([{ label }]) => label ?? '');
    expect(labels.filter((label) => label.startsWith('decode/')).length).toBeGreaterThan(6);
    compile.mockClear();
    const weights = engine.resident();
    if (weights === undefined) throw new Error('not resident');
    const { choice } = await tuneDecode({ context, hparams, weights });
    const decoder = await createDecoder({ context, hparams, weights, keys: await engine.keys(), choice });
    await decoder.decode(3, 0);
    const late = compile.mock.calls.map(([{ label }]) => label ?? '').filter((label) => label.startsWith('decode/'));
    if (context.card.isSoftware) expect(late).toEqual([]);
    compile.mockRestore();
    decoder.dispose();
    await engine.dispose();
    await model.close();
  }, 180_000);
});
