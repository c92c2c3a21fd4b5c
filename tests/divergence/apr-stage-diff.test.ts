import { describe, expect, it } from 'vitest';
import { aprStageDiff } from '../../src/divergence/apr-stage-diff';
import { plainToJson } from '../../src/divergence/report-json';
import { tracerErrorOf } from '../support/errors';

const named = (path: string, layer: number | undefined, ...values: readonly number[]) => ({
  path,
  tensor: { layer, data: Float32Array.from(values) },
});

describe('apr-stage-diff-v1', () => {
  it('has the fields of the form, by hand', () => {
    const diff = aprStageDiff(named('a.bin', 3, 1, 2, 4, 0), named('b.bin', 3, 1, 4, 3, 0), 2);
    expect(JSON.parse(plainToJson(diff))).toEqual({
      schema: 'apr-stage-diff-v1',
      path_a: 'a.bin',
      path_b: 'b.bin',
      layer: 3,
      dim_product: 4,
      max_abs_diff: 2,
      max_abs_diff_index: 1,
      rms_diff: Math.sqrt((4 + 1) / 4),
      cosine_sim: (1 + 8 + 12) / (Math.sqrt(21) * Math.sqrt(26)),
      top_diffs: [
        { index: 1, a: 2, b: 4, abs_diff: 2 },
        { index: 2, a: 4, b: 3, abs_diff: 1 },
      ],
    });
  });

  it('lists the largest first, equal ones by index, and ten unless told', () => {
    const a = Array.from({ length: 30 }, (_, i) => (i % 5) + 1);
    const { top_diffs } = aprStageDiff(named('a', 0, ...a), named('b', 0, ...a.map(() => 0)));
    expect(top_diffs.map((d) => d.index)).toEqual([4, 9, 14, 19, 24, 29, 3, 8, 13, 18]);
  });

  it('never loses a NaN', () => {
    const diff = aprStageDiff(named('a', 0, 1, NaN, 9), named('b', 0, 1, 2, 3));
    expect(diff).toMatchObject({ max_abs_diff: NaN, max_abs_diff_index: 1, rms_diff: NaN, cosine_sim: NaN });
    expect(diff.top_diffs.map((d) => d.index)).toEqual([1, 2, 0]);
    expect(plainToJson(diff)).toContain('"max_abs_diff":"NaN"');
  });

  it('calls a whole-model stage so', () => {
    expect(aprStageDiff(named('a', undefined, 1), named('b', undefined, 1)).layer).toBe('whole-model');
  });

  it('refuses other layers and lengths, naming both', async () => {
    expect(await tracerErrorOf(() => aprStageDiff(named('a', 1, 1), named('b', 2, 1)))).toMatchObject({
      code: 'trace-mismatch',
      detail: { what: 'layer', a: '1', b: '2' },
    });
    expect(await tracerErrorOf(() => aprStageDiff(named('a', 1, 1), named('b', 1, 1, 2)))).toMatchObject({
      code: 'trace-mismatch',
      detail: { what: 'element count', a: '1', b: '2' },
    });
  });
});
