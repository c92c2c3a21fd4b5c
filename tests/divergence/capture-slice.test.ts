import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { ERROR_EDGES, errorBin, sliceCaptures } from '../../src/divergence/capture-slice';
import type { Capture } from '../../src/model/engine';

const random = seededRandom(3);
const normals = (n: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: n }, () => random.normal());

/** (3 positions, 2 slots, 5 channels) */
function expertOut(data: Float32Array<ArrayBuffer>, bound?: Float32Array<ArrayBuffer>): Capture {
  return {
    stage: 'moe_expert_out',
    layer: 1,
    positions: [2, 4, 5],
    shape: [3, 2, 5],
    data,
    ...(bound === undefined ? {} : { bound }),
  };
}
function indices(...experts: number[]): Capture {
  return {
    stage: 'moe_router_indices',
    layer: 1,
    positions: [2, 4, 5],
    shape: [3, 2],
    data: Uint32Array.from(experts),
  };
}

describe('slice of a capture', () => {
  const b = normals(30);
  const a = Float32Array.from(b);
  a[13] = (b[13] ?? 0) + 0.5;
  a[17] = (b[17] ?? 0) - 0.25;
  const bound = new Float32Array(30).fill(0.125);

  it('holds one position: worst first, with index, expert, bound and ratio', () => {
    const slice = sliceCaptures(
      { a: expertOut(a), b: expertOut(b, bound), indicesB: indices(0, 1, 7, 3, 2, 5) },
      4,
      'isolated',
    );
    expect(slice.axes).toEqual([
      { dim: 'nExpertUsed', length: 2 },
      { dim: 'nEmbd', length: 5 },
    ]);
    expect(slice.count).toBe(10);
    expect(slice.worst[0]).toMatchObject({ index: [0, 3], expert: 7, bound: 0.125 });
    expect(slice.worst[0]?.ratio).toBeCloseTo(4, 5);
    expect(slice.worst[1]).toMatchObject({ index: [1, 2], expert: 3 });
    expect(slice.worst[1]?.ratio).toBeCloseTo(2, 5);
    expect(slice.ratios).toEqual([8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
    expect(slice.errors.reduce((x, y) => x + y)).toBe(10);
    expect(slice.values.a.reduce((x, y) => x + y)).toBe(10);
    expect(slice.profile).toMatchObject({ stretch: 1 });
    expect(slice.profile.largest.filter((x) => x > 0)).toHaveLength(2);
  });

  it('compares slots by expert, and leaves out those that one engine chose alone', () => {
    const swapped = Float32Array.from(b);
    swapped.set(b.subarray(15, 20), 10);
    swapped.set(b.subarray(10, 15), 15);
    const same = sliceCaptures(
      {
        a: expertOut(swapped),
        b: expertOut(b),
        indicesA: indices(0, 1, 3, 7, 2, 5),
        indicesB: indices(0, 1, 7, 3, 2, 5),
      },
      4,
      'free',
    );
    expect(same.errors[0]).toBe(10);
    const other = sliceCaptures(
      {
        a: expertOut(swapped),
        b: expertOut(b),
        indicesA: indices(0, 1, 3, 9, 2, 5),
        indicesB: indices(0, 1, 7, 3, 2, 5),
      },
      4,
      'free',
    );
    expect(other).toMatchObject({ count: 5, skipped: 5 });
    expect(other.errors[0]).toBe(5);
  });

  it('never loses a NaN: first among the worst, last bin, counted apart from the values', () => {
    const bad = Float32Array.from(b);
    bad[14] = NaN;
    bad[12] = Infinity;
    const slice = sliceCaptures({ a: expertOut(bad), b: expertOut(b, bound) }, 4, 'isolated');
    expect(slice.worst.slice(0, 2).map((v) => v.index)).toEqual(
      expect.arrayContaining([
        [0, 4],
        [0, 2],
      ]),
    );
    expect(slice.ratios?.at(-1)).toBe(2);
    expect(slice.values).toMatchObject({ nonFiniteA: 2, nonFiniteB: 0 });
    expect(Number.isFinite(slice.values.extent)).toBe(true);
  });

  it('cuts attention by head, and index stages into two sets', () => {
    const scores: Capture = {
      stage: 'attn_scores',
      layer: 0,
      positions: [0, 1],
      shape: [2, 2, 3],
      data: Float32Array.from([1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12]),
    };
    const slice = sliceCaptures({ a: scores, b: scores }, 1, 'free');
    expect(slice.axes.map((x) => x.dim)).toEqual(['nHead', 'nKeys']);
    expect(slice.worst.map((v) => v.b).sort((x, y) => x - y)).toEqual([4, 5, 6, 10, 11, 12]);
    const choice = sliceCaptures({ a: indices(0, 1, 7, 3, 2, 5), b: indices(0, 1, 3, 9, 2, 5) }, 4, 'free');
    expect(choice.experts).toEqual({ a: [7, 3], b: [3, 9] });
    expect(choice.worst).toEqual([]);
  });

  it('bins errors by decade, exact zeros and NaN apart', () => {
    expect(errorBin(0)).toBe(0);
    expect(errorBin(1e-7)).toBe(ERROR_EDGES.indexOf(1e-7));
    expect(errorBin(1.1e-7)).toBe(ERROR_EDGES.indexOf(1e-6));
    expect(errorBin(NaN)).toBe(ERROR_EDGES.length);
    expect(errorBin(Infinity)).toBe(ERROR_EDGES.length);
  });
});
