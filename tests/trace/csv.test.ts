import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSV_COLUMNS, tracesToCsv } from '../../src/trace/csv';
import { readTraces } from '../../src/trace/read-traces';
import { captureStats } from '../../src/trace/capture-stats';
import { createTrace } from '../../src/trace/trace';
import { captureOf } from '../support/captures';
import { anyTrace, bitsOf, floatBits, formatErrorOf } from './arbitrary';

describe('CSV', () => {
  it('is long form, one row an element', () => {
    const free = createTrace({ arm: 'gpu', mode: 'free' }, [
      captureOf('embedding', undefined, [2, 1], [0.1, -0], { positions: [3, 7] }),
      captureOf('attn_scores', 5, [1, 2, 2], [1, NaN, Infinity, -Infinity], { positions: [4] }),
      captureOf('moe_router_indices', 5, [1, 2], [12, 3], { positions: [4] }),
    ]);
    const isolated = createTrace({ arm: 'gpu', mode: 'isolated' }, [captureOf('q_norm', 0, [1, 1, 1], [1e-45])]);
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
        const trace = createTrace({ arm: 'a', mode: 'free' }, [captureOf('attn_norm', 0, [1, 5], data)]);
        const rows = [...tracesToCsv([trace])].join('').trimEnd().split('\n').slice(1);
        const values = Float32Array.from(rows, (row) => Number(row.split(',')[6]));
        expect([...values]).toEqual([...data]);
      }),
      { seed: 16 },
    );
  });

  it('comes in pieces that join to all rows', () => {
    const trace = createTrace({ arm: 'a', mode: 'free' }, [
      captureOf('attn_norm', 0, [1, 10_000], new Float32Array(10_000)),
    ]);
    const pieces = [...tracesToCsv([trace])];
    expect(pieces.length).toBe(4);
    expect(pieces.join('').trimEnd().split('\n').length).toBe(10_001);
  });
});

describe('capture statistics', () => {
  it('of finite values', () => {
    expect(captureStats(Float32Array.of(3, -4))).toEqual({
      ...{ count: 2, nan: 0, positiveInfinity: 0, negativeInfinity: 0 },
      ...{ min: -4, max: 3, mean: -0.5, rms: Math.sqrt(12.5) },
    });
  });

  it('a NaN never disappears, and infinities are counted', () => {
    const stats = captureStats(Float32Array.of(1, NaN, Infinity, -Infinity, 2));
    expect(stats).toMatchObject({ count: 5, nan: 1, positiveInfinity: 1, negativeInfinity: 1 });
    expect([stats.min, stats.max, stats.mean, stats.rms]).toEqual([NaN, NaN, NaN, NaN]);
    expect(captureStats(Float32Array.of(Infinity, 1)).rms).toBe(Infinity);
  });

  it('of nothing', () => {
    expect(captureStats(new Float32Array())).toMatchObject({ count: 0, min: NaN, max: NaN, mean: NaN, rms: NaN });
  });
});

describe('CSV read back', () => {
  const read = (text: string): ReturnType<typeof readTraces> => readTraces(new TextEncoder().encode(text), 'x.csv');
  const head = `${CSV_COLUMNS.join(',')}\n`;

  it('gives any trace: engine, shapes, positions and f32 values; NaN as a NaN', () => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        const { traces, ignored } = read([...tracesToCsv([trace])].join(''));
        expect(ignored).toEqual([]);
        expect(traces).toHaveLength(1);
        expect(traces[0]?.provenance).toMatchObject({ arm: trace.provenance.arm, mode: trace.provenance.mode });
        expect([...(traces[0]?.captures.keys() ?? [])]).toEqual([...trace.captures.keys()]);
        for (const [key, captured] of trace.captures) {
          const back = traces[0]?.captures.get(key);
          expect(back).toMatchObject({ positions: captured.positions, shape: captured.shape });
          expect(back === undefined ? [] : bitsOf(back.data)).toEqual(bitsOf(withCanonicalNaN(captured.data)));
        }
      }),
      { seed: 17, numRuns: 60 },
    );
  });

  it('keeps several engines apart, in any order of rows, with any line ends', () => {
    const text = `${head}gpu,,lm_head,4,1,,2\r\ncpu,,lm_head,4,0,,7\r\ngpu,,lm_head,4,0,,1\r\n`;
    expect(read(text).traces.map((t) => [t.provenance.arm, [...(t.captures.get('lm_head')?.data ?? [])]])).toEqual([
      ['gpu', [1, 2]],
      ['cpu', [7]],
    ]);
  });

  it.each([
    ['an unknown stage', 'gpu,0,router,0,0,,1', /line 2: expected a stage/],
    ['a cell too few', 'gpu,0,attn_norm,0,0,1', /line 2: expected 7 cells/],
    ['a value that is no number', 'gpu,0,attn_norm,0,0,,one', /line 2: expected a number/],
    ['a position that is no whole number', 'gpu,0,attn_norm,-1,0,,1', /line 2: expected a whole number/],
    ['a hole', 'gpu,0,attn_norm,0,1,,1', /expected 2 rows for shape \[1, 2\], found 1/],
    ['an element twice', 'gpu,0,attn_norm,0,1,,1\ngpu,0,attn_norm,0,1,,2', /every element once/],
    ['no rows', '', /expected rows/],
  ])('refuses %s by line', (_, rows, message) => {
    expect(formatErrorOf(() => read(`${head}${rows}`)).message).toMatch(message);
  });
});

/** What is left of a NaN's payload in text. */
function withCanonicalNaN(data: Float32Array | Uint32Array): Float32Array | Uint32Array {
  return data instanceof Uint32Array ? data : Float32Array.from(data, (x) => (Number.isNaN(x) ? NaN : x));
}
