import { describe, expect, it } from 'vitest';
import { atOnce } from '../../src/base/pieces';
import { NonFiniteWatch } from '../../src/divergence/non-finite';
import { summaryInPieces } from '../../src/divergence/capture-summary';
import type { Capture } from '../../src/model/engine';
import type { StageId } from '../../src/model/stages';

const captured = (stage: StageId, layer: number | undefined, values: readonly number[]): Capture => ({
  stage,
  layer,
  positions: [4, 7],
  shape: [2, values.length / 2],
  data: Float32Array.from(values),
});

describe('the summary of a capture', () => {
  const summarise = (data: Float32Array<ArrayBuffer>) => atOnce(summaryInPieces({ data }));

  it('measures the finite values and counts the others by kind', () => {
    const data = Float32Array.of(-3, 0, 2 ** -140, NaN, Infinity, -Infinity, 0.5, NaN);
    expect(summarise(data)).toMatchObject({
      range: { absMax: 3, absMin: Math.fround(2 ** -140), subnormals: 1 / 8 },
      nan: 2,
      posInf: 1,
      negInf: 1,
      firstBad: { at: 3, kind: 'NaN' },
    });
    expect(summarise(Float32Array.of(0, -0)).range).toEqual({ absMax: 0, absMin: 0, subnormals: 0 });
    expect(summarise(Float32Array.of(1, -Infinity)).firstBad).toEqual({ at: 1, kind: '-Infinity' });
  });
});

describe('NonFiniteWatch', () => {
  it('finds the first value in forward order, what led to it and what became of it', () => {
    const watch = new NonFiniteWatch('gpu', 'free');
    watch.step(undefined, [captured('embedding', undefined, [1, 2, 3, 4])]);
    // Out of order: the stage table says which came first.
    watch.step(0, [
      captured('post_ffn_residual', 0, [NaN, 1, NaN, 1]),
      captured('attn_norm', 0, [1, 8, 0.25, 1]),
      captured('ffn_norm', 0, [1, 1, 1, Infinity]),
    ]);
    watch.step(1, [captured('attn_norm', 1, [1, 1, 1, 1])]);
    expect(watch.found()).toEqual({
      arm: 'gpu',
      mode: 'free',
      layer: 0,
      stage: 'ffn_norm',
      kind: '+Infinity',
      // Of the captured positions 4 and 7, the second.
      index: [7, 1],
      spread: [
        { layer: 0, stage: 'ffn_norm', bad: 1, count: 4 },
        { layer: 0, stage: 'post_ffn_residual', bad: 2, count: 4 },
      ],
      runUp: [
        { layer: undefined, stage: 'embedding', absMax: 4, absMin: 1, subnormals: 0 },
        { layer: 0, stage: 'attn_norm', absMax: 8, absMin: 0.25, subnormals: 0 },
      ],
    });
  });

  it('finds nothing among finite values', () => {
    const watch = new NonFiniteWatch('cpu', 'free');
    watch.step(0, [captured('attn_norm', 0, [0, -0, 3e38, 1e-45])]);
    expect(watch.found()).toBeUndefined();
  });
});
