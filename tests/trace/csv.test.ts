import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSV_COLUMNS, tracesToCsv } from '../../src/trace/csv';
import { tapStats } from '../../src/trace/tap-stats';
import { createTrace } from '../../src/trace/trace';
import { tapOf } from '../support/taps';
import { floatBits } from './arbitrary';

describe('CSV', () => {
  it('is long form, one row an element', () => {
    const free = createTrace({ arm: 'gpu', mode: 'free' }, [
      tapOf('embedding', undefined, [2, 1], [0.1, -0], { positions: [3, 7] }),
      tapOf('attn_scores', 5, [2, 1, 2], [1, NaN, Infinity, -Infinity], { positions: [4] }),
      tapOf('moe_router_indices', 5, [1, 2], [12, 3], { positions: [4] }),
    ]);
    const isolated = createTrace({ arm: 'gpu', mode: 'isolated' }, [tapOf('q_norm', 0, [1, 1, 1], [1e-45])]);
    expect([...tracesToCsv([free, isolated])].join('').trimEnd().split('\n')).toEqual([
      CSV_COLUMNS.join(','),
      'gpu,,embedding,3,0,,0.100000001',
      'gpu,,embedding,7,0,,-0',
      'gpu,5,attn_scores,4,0,0,1',
      'gpu,5,attn_scores,4,0,1,NaN',
      'gpu,5,attn_scores,4,1,0,Infinity',
      'gpu,5,attn_scores,4,1,1,-Infinity',
      'gpu,5,moe_router_indices,4,0,,12',
      'gpu,5,moe_router_indices,4,1,,3',
      'gpu-isolated,0,q_norm,0,0,0,1.40129846e-45',
    ]);
  });

  it('every value reads back as the same f32', () => {
    fc.assert(
      fc.property(floatBits(5), (data) => {
        const trace = createTrace({ arm: 'a', mode: 'free' }, [tapOf('attn_norm', 0, [1, 5], data)]);
        const rows = [...tracesToCsv([trace])].join('').trimEnd().split('\n').slice(1);
        const values = Float32Array.from(rows, (row) => Number(row.split(',')[6]));
        expect([...values]).toEqual([...data]);
      }),
      { seed: 16 },
    );
  });

  it('comes in pieces that join to all rows', () => {
    const trace = createTrace({ arm: 'a', mode: 'free' }, [
      tapOf('attn_norm', 0, [1, 10_000], new Float32Array(10_000)),
    ]);
    const pieces = [...tracesToCsv([trace])];
    expect(pieces.length).toBe(4);
    expect(pieces.join('').trimEnd().split('\n').length).toBe(10_001);
  });
});

describe('tap statistics', () => {
  it('of finite values', () => {
    expect(tapStats(Float32Array.of(3, -4))).toEqual({
      ...{ count: 2, nan: 0, positiveInfinity: 0, negativeInfinity: 0 },
      ...{ min: -4, max: 3, mean: -0.5, rms: Math.sqrt(12.5) },
    });
  });

  it('a NaN never disappears, and infinities are counted', () => {
    const stats = tapStats(Float32Array.of(1, NaN, Infinity, -Infinity, 2));
    expect(stats).toMatchObject({ count: 5, nan: 1, positiveInfinity: 1, negativeInfinity: 1 });
    expect([stats.min, stats.max, stats.mean, stats.rms]).toEqual([NaN, NaN, NaN, NaN]);
    expect(tapStats(Float32Array.of(Infinity, 1)).rms).toBe(Infinity);
  });

  it('of nothing', () => {
    expect(tapStats(new Float32Array())).toMatchObject({ count: 0, min: NaN, max: NaN, mean: NaN, rms: NaN });
  });
});
