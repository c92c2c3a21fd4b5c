import { describe, expect, it } from 'vitest';
import {
  attentionKernel,
  attentionPlan,
  joinVariant,
  SINGLE_HEADS,
  methodName,
  methodsUpTo,
  type AttentionChoice,
} from '../../src/fusions/attention/attention-plan';

const laneGroups = { kernel: 'lane-groups', lanes: 32 } as const;
const choice: AttentionChoice = [
  { from: 1, method: { ...laneGroups, heads: 1, splits: 1 } },
  { from: 600, method: { ...laneGroups, heads: 4, splits: 16 } },
  { from: 1000, method: { kernel: 'shared', splits: 64 } },
];

describe('attentionPlan', () => {
  it('takes the way of so many keys, where its kernel takes the heads', () => {
    const methods = (headDim: number): string[] =>
      [1, 128, 129, 599, 600, 999, 1000, 8192].map((keys) => {
        const { method, count, keys: each } = attentionPlan({ headDim }, choice, keys);
        expect(count * each).toBeGreaterThanOrEqual(keys);
        expect((count - 1) * each).toBeLessThan(keys);
        expect(count).toBeLessThanOrEqual(method.splits);
        return `${method.kernel} ${count}`;
      });
    expect(methods(128)).toEqual([
      ...[
        'lane-groups 1',
        'lane-groups 1',
        'lane-groups 1',
        'lane-groups 1',
        'lane-groups 10',
        'lane-groups 16',
        'shared 16',
        'shared 64',
      ],
    ]);
    // Columns of four channels turn with one another in those kernels; here half a head has five channels.
    expect(methods(20)).toEqual([
      ...['single 1', 'single 1', 'single 3', 'single 10', 'single 10', 'single 16', 'single 16', 'single 32'],
    ]);
    // 4 lanes have no room for a head of 256.
    const small: AttentionChoice = [{ from: 1, method: { ...laneGroups, lanes: 4, heads: 1, splits: 1 } }];
    expect(attentionPlan({ headDim: 256 }, small, 9).method.kernel).toBe('single');
    expect(attentionPlan({ headDim: 128 }, small, 9).method.kernel).toBe('lane-groups');
  });

  it('does not split single heads in one', () => {
    const split: AttentionChoice = [{ from: 1, method: { kernel: 'single', splits: 32 } }];
    expect(attentionPlan({ headDim: 64 }, split, 64)).toEqual({
      method: { kernel: 'single', splits: 1 },
      count: 1,
      keys: 64,
    });
  });

  it('says which methods a context will take', () => {
    const names = (c: AttentionChoice, keys: number): string[] =>
      methodsUpTo({ headDim: 128 }, c, keys).map(methodName);
    const [one, four] = ['lane-groups of 32 lanes, 1 heads, 1 splits', 'lane-groups of 32 lanes, 4 heads, 16 splits'];
    expect(names(choice, 500)).toEqual([one]);
    expect(names(choice, 8192)).toEqual([one, four, 'shared, 64 splits']);
    expect(names(SINGLE_HEADS, 8192)).toEqual(['single, 1 splits', 'single, 32 splits']);
  });
});

describe('attentionKernel', () => {
  it('cuts the heads of a group into equal pieces that a lane has room for', () => {
    const sizes = (headDim: number, lanes: 4 | 32, heads: 1 | 8, nHead = 32): unknown => {
      const { variant, width } = attentionKernel(
        { nHead, nHeadKv: 4, headDim },
        { ...laneGroups, lanes, heads, splits: 1 },
      );
      const { HEADS, LANES, GROUP } = variant.constants ?? {};
      return { HEADS, LANES, GROUP, width };
    };
    expect(sizes(128, 32, 8)).toEqual({ HEADS: 8, LANES: 32, GROUP: 256, width: 4 });
    expect(sizes(128, 32, 1)).toEqual({ HEADS: 1, LANES: 32, GROUP: 256, width: 32 });
    // Two columns a lane: room for four heads. Eight columns: one head, and fewer lanes.
    expect(sizes(256, 32, 8)).toEqual({ HEADS: 4, LANES: 32, GROUP: 256, width: 8 });
    expect(sizes(128, 4, 8)).toEqual({ HEADS: 1, LANES: 4, GROUP: 64, width: 32 });
    // No more lanes than columns; eleven heads in two pieces.
    expect(sizes(24, 32, 8, 44)).toEqual({ HEADS: 6, LANES: 8, GROUP: 256, width: 8 });
  });

  it('joins as many splits as a method has at most', () => {
    const most = [1, 8, 9, 32, 64].map(
      (splits) => joinVariant({ kernel: 'shared', splits }).constants?.['MOST_SPLITS'],
    );
    expect(most).toEqual([8, 8, 32, 32, 64]);
  });
});
