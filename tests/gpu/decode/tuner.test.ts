import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SINGLE_HEADS } from '../../../src/fusions/attention/attention-plan';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import { LANE_GROUP_FUSIONS, type DecodeChoice } from '../../../src/fusions/choice';
import { allMethods, chosenAttention, type AttentionTimes } from '../../../src/gpu/decode/tune-attention';
import { joined, readChoice, tuneDecode, tuningKey, methodsOf } from '../../../src/gpu/decode/tuner';
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
    const methods = methodsOf(usual);
    const times: number[] = methods.map(({ name }) =>
      name === 'plain dots'
        ? 90
        : name === 'router 64 lanes, 2 rows'
          ? 80
          : name === 'router 64 lanes, 4 rows'
            ? 70
            : 99.5,
    );
    times[0] = 100;
    const choice = joined(methods, times);
    expect(choice.dots).toBe('plain');
    expect(choice.ahead).toBe(usual.ahead);
    expect(choice.laneGroups.router).toMatchObject({ group: 64, batches: 4 });
    for (const kernel of LANE_GROUP_FUSIONS)
      if (kernel !== 'router') expect(choice.laneGroups[kernel]).toEqual(usual.laneGroups[kernel]);
  });

  it('keeps to the usual when time was up', () => {
    const methods = methodsOf(usual);
    expect(joined(methods, [100, ...methods.slice(1).map(() => undefined)])).toEqual(usual);
  });

  it('tries each method once', () => {
    const methods = methodsOf(usual).map(({ choice }) => JSON.stringify(choice));
    expect(new Set(methods).size).toBe(methods.length);
  });
});

describe('chosenAttention', () => {
  const [single, shared] = [
    { kernel: 'single', splits: 32 },
    { kernel: 'shared', splits: 32 },
  ] as const;
  const laneGroups = { kernel: 'lane-groups', lanes: 32, heads: 1, splits: 1 } as const;
  const at = (from: number, a: number | undefined, b: number | undefined, c: number | undefined): AttentionTimes => ({
    ...{ keys: 2 * from, from },
    methods: [
      { method: single, us: a },
      { method: shared, us: b },
      { method: laneGroups, us: c },
    ],
  });

  it('takes the best of each length, and stays where the next is hardly better', () => {
    const times = [at(1, 20, 25, 10), at(129, 30, 29.9, 30.1), at(769, 50, 30, 60), at(4097, 100, 101, 300)];
    expect(chosenAttention(SINGLE_HEADS, times)).toEqual([
      { from: 1, method: laneGroups },
      { from: 769, method: shared },
    ]);
  });

  it('knows nothing of lengths for which time was up, nor of longer ones', () => {
    expect(chosenAttention(SINGLE_HEADS, [])).toBe(SINGLE_HEADS);
    expect(chosenAttention(SINGLE_HEADS, [at(1, 20, undefined, undefined), at(129, 2, 1, 3)])).toBe(SINGLE_HEADS);
    expect(chosenAttention(SINGLE_HEADS, [at(1, 20, 19, 30), at(129, 1, undefined, undefined)])).toEqual([
      { from: 1, method: shared },
    ]);
  });
});

describe('readChoice', () => {
  it('reads what was written, and nothing else', () => {
    for (const { choice } of methodsOf(usual)) expect(readChoice(JSON.stringify(choice), usual)).toEqual(choice);
    const methods = allMethods(usual.attention);
    expect(methods.length).toBeGreaterThan(3);
    for (const method of methods) {
      const choice = {
        ...usual,
        attention: [{ from: 1, method }, ...methods.slice(0, 2).map((w, i) => ({ from: 129 + i, method: w }))],
      };
      expect(readChoice(JSON.stringify(choice), usual)).toEqual(choice);
    }
    const [method] = methods;
    for (const attention of [
      ...[
        [],
        [{ from: 2, method }],
        [
          { from: 1, method },
          { from: 1, method },
        ],
        [{ from: 1 }],
        'single',
        [undefined],
      ],
      ...[
        [{ from: 1, method: { kernel: 'single', splits: 31 } }],
        [{ from: 1, method: { kernel: 'other', splits: 32 } }],
      ],
    ]) {
      expect(readChoice(JSON.stringify({ ...usual, attention }), usual)).toBeUndefined();
    }
    const strange = { ...usual, laneGroups: { ...usual.laneGroups, qkv: { ...usual.laneGroups.qkv, group: 7 } } };
    for (const text of ['', 'null', '{}', '{"laneGroups":3}', JSON.stringify(strange)]) {
      expect(readChoice(text, usual), text).toBeUndefined();
    }
  });
});

describe('tuneDecode', () => {
  it('keeps a choice for the device and takes one from the store', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const weights = await fileWeights(context, model);
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
    expect(labels.filter((label) => label.startsWith('fusions/')).length).toBeGreaterThan(6);
    compile.mockClear();
    const weights = engine.resident();
    if (weights === undefined) throw new Error('not resident');
    const { choice } = await tuneDecode({ context, hparams, weights });
    const decoder = await createDecoder({ context, hparams, weights, keys: await engine.keys(), choice });
    await decoder.decode(3, 0);
    const late = compile.mock.calls.map(([{ label }]) => label ?? '').filter((label) => label.startsWith('fusions/'));
    if (context.card.isSoftware) expect(late).toEqual([]);
    compile.mockRestore();
    decoder.dispose();
    await engine.dispose();
    await model.close();
  }, 180_000);
});
