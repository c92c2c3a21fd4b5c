import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { attentionPlan, waysUpTo } from '../../../src/gpu/decode/attention-plan';
import { NEVER, type AttentionChoice } from '../../../src/gpu/decode/decode-kernels';
import type { GpuContext } from '../../../src/gpu/device';
import { testContext } from '../../support/gpu';
import { expectWithin } from '../kernels/support';
import { attentionTwin } from './attention-twin';
import { attentionInputs, runAttention, type AttentionCase } from './run-attention';

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

const HEADS: AttentionChoice = { sharedFrom: NEVER, splits: 32 };
const SHARED: AttentionChoice = { sharedFrom: 1, splits: 32 };

interface Case extends AttentionCase {
  readonly choice: AttentionChoice;
  readonly way: string;
  readonly splits: number;
}

/** Group sizes of 1 to 11, heads of 24 to 256 channels; the first key, tiles that are full, begun and many; more tiles than splits. */
const CASES: readonly Case[] = [
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 0, choice: HEADS, way: 'whole', splits: 1 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 100, choice: HEADS, way: 'whole', splits: 1 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 128, choice: HEADS, way: 'split', splits: 3 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 0, choice: SHARED, way: 'shared', splits: 1 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 63, choice: SHARED, way: 'shared', splits: 1 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 64, choice: SHARED, way: 'shared', splits: 2 },
  { nHead: 4, nHeadKv: 2, headDim: 64, position: 131, choice: SHARED, way: 'shared', splits: 3, size: 100 },
  { nHead: 8, nHeadKv: 1, headDim: 128, position: 300, choice: SHARED, way: 'shared', splits: 5 },
  { nHead: 8, nHeadKv: 1, headDim: 128, position: 2100, choice: SHARED, way: 'shared', splits: 17 },
  { nHead: 8, nHeadKv: 1, headDim: 128, position: 2100, choice: { ...SHARED, splits: 64 }, way: 'shared', splits: 33 },
  { nHead: 11, nHeadKv: 1, headDim: 24, position: 190, choice: SHARED, way: 'shared', splits: 3 },
  { nHead: 2, nHeadKv: 2, headDim: 256, position: 150, choice: SHARED, way: 'shared', splits: 3 },
];

describe('attention of a token', () => {
  it.each(CASES)(
    '$nHead heads on $nHeadKv of $headDim after $position keys, $way in $splits',
    async ({ choice, way, splits, ...shape }) => {
      const { nHeadKv, headDim, position } = shape;
      const inputs = attentionInputs(shape);
      const got = await runAttention(context, shape, inputs, choice, true);
      expect(got.plan).toMatchObject({ way, count: splits });
      const twin = attentionTwin(shape, inputs);
      expectWithin(got.taps.qRope, twin.qRope, twin.bounds.rope);
      expectWithin(got.taps.kRope, twin.kRope, twin.bounds.rope);
      expectWithin(got.taps.scores, twin.scores, twin.bounds.scores);
      expectWithin(got.taps.softmax, twin.softmax, twin.bounds.softmax);
      expectWithin(got.attention, twin.attention, twin.bounds.attention);
      expect(got.taps.attention).toEqual(got.attention);

      // The own key and value are kept, and nothing else is touched.
      const kvDim = nHeadKv * headDim;
      const own = position * kvDim;
      expect(got.keys.subarray(own, own + kvDim)).toEqual(got.taps.kRope);
      expect(got.values.subarray(own, own + kvDim)).toEqual(inputs.qkv.subarray(inputs.qkv.length - kvDim));
      for (const [before, after] of [
        [inputs.keys, got.keys],
        [inputs.values, got.values],
      ] as const) {
        expect(words(after).subarray(0, own)).toEqual(words(before).subarray(0, own));
        expect(words(after).subarray(own + kvDim)).toEqual(words(before).subarray(own + kvDim));
      }

      // Not captured, and once more: the same bits.
      const again = await runAttention(context, shape, inputs, choice, false);
      expect(words(again.attention)).toEqual(words(got.attention));
    },
  );

  it('is shared from the chosen number of keys on, where the kernel takes the heads', () => {
    const choice: AttentionChoice = { sharedFrom: 1000, splits: 64 };
    const ways = (headDim: number): string[] =>
      [1, 128, 129, 999, 1000, 8192].map((keys) => {
        const { way, count, keys: each } = attentionPlan({ headDim }, choice, keys);
        expect(count * each).toBeGreaterThanOrEqual(keys);
        return `${way} ${count}`;
      });
    expect(ways(128)).toEqual(['whole 1', 'whole 1', 'split 3', 'split 16', 'shared 16', 'shared 64']);
    // Columns of eight channels turn together in the shared kernel.
    expect(ways(20)).toEqual(['whole 1', 'whole 1', 'split 3', 'split 16', 'split 16', 'split 32']);
    expect(waysUpTo({ headDim: 128 }, choice, 500)).toEqual(['whole', 'split']);
    expect(waysUpTo({ headDim: 128 }, choice, 8192)).toEqual(['whole', 'split', 'shared']);
    expect(waysUpTo({ headDim: 128 }, SHARED, 8192)).toEqual(['shared']);
  });

  it('sees a head that reads the keys of another group', async () => {
    const shape = { nHead: 4, nHeadKv: 2, headDim: 64, position: 64 };
    const inputs = attentionInputs(shape);
    const { attention } = await runAttention(context, shape, inputs, SHARED, false);
    const twin = attentionTwin({ ...shape, nHeadKv: 2 }, { ...inputs, keys: inputs.keys.toReversed() });
    expect(() => {
      expectWithin(attention, twin.attention, twin.bounds.attention);
    }).toThrow();
  });
});

function words(values: Float32Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
