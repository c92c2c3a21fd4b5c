import { describe, expect, it } from 'vitest';
import { attentionPlan, waysUpTo } from '../../../src/gpu/decode/attention-plan';
import type { AttentionChoice } from '../../../src/gpu/decode/decode-kernels';

describe('attentionPlan', () => {
  const choice: AttentionChoice = { sharedFrom: 1000, splits: 64 };

  it('shares keys from the chosen number on, where the kernel takes the heads', () => {
    const ways = (headDim: number): string[] =>
      [1, 128, 129, 999, 1000, 8192].map((keys) => {
        const { way, count, keys: each } = attentionPlan({ headDim }, choice, keys);
        expect(count * each).toBeGreaterThanOrEqual(keys);
        expect((count - 1) * each).toBeLessThan(keys);
        return `${way} ${count}`;
      });
    expect(ways(128)).toEqual(['whole 1', 'whole 1', 'split 3', 'split 16', 'shared 16', 'shared 64']);
    // Columns of eight channels turn together in the shared kernel.
    expect(ways(20)).toEqual(['whole 1', 'whole 1', 'split 3', 'split 16', 'split 16', 'split 32']);
  });

  it('says which ways a context will take', () => {
    expect(waysUpTo({ headDim: 128 }, choice, 500)).toEqual(['whole', 'split']);
    expect(waysUpTo({ headDim: 128 }, choice, 8192)).toEqual(['whole', 'split', 'shared']);
    expect(waysUpTo({ headDim: 128 }, { sharedFrom: 1, splits: 32 }, 8192)).toEqual(['shared']);
  });
});
