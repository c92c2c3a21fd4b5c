import { describe, expect, it } from 'vitest';
import { compareValues, cosineOf, relL2Of } from '../../src/divergence/compare-values';

const rows = (positions: number, inner: number) => ({ outer: 1, positions, inner });

describe('compareValues', () => {
  it('finds nothing between equal tensors', () => {
    const c = compareValues([1, -2, 0], [1, -2, 0], rows(1, 3), [1e-7, 1e-7, 0]);
    expect(c).toMatchObject({ cosine: 1, nmse: 0, relL2: 0, maxAbs: 0, maxRatio: 0, count: 3 });
  });

  it('computes each metric from its definition', () => {
    const c = compareValues([1, 2, 3, 5], [1, 2, 4, 4], rows(2, 2), [1, 1, 0.5, 4]);
    expect(c.nmse).toBeCloseTo(2 / 37, 15);
    expect(c.relL2).toBeCloseTo(Math.sqrt(2 / 37), 15);
    expect(c.cosine).toBeCloseTo(37 / Math.sqrt(39 * 37), 15);
    expect(c).toMatchObject({ maxAbs: 1, maxAbsAt: 2, maxRatio: 2, maxRatioAt: 2 });
    expect(c.rms).toBeCloseTo(Math.sqrt(37 / 4), 15);
    expect(c.perPosition.map(relL2Of)[0]).toBe(0);
  });

  it('never loses a NaN in a maximum, a sum or a mean, wherever it stands', () => {
    for (const at of [0, 1, 2]) {
      const a = [1, 2, 9];
      a[at] = NaN;
      const c = compareValues(a, [1, 2, 3], rows(1, 3), [1, 1, 1]);
      expect([c.cosine, c.nmse, c.relL2, c.maxAbs, c.maxRatio]).toEqual([NaN, NaN, NaN, NaN, NaN]);
      expect(c).toMatchObject({ nanA: 1, nanB: 0, firstNonFiniteA: at, firstOnlyA: at, maxAbsAt: at });
    }
  });

  it('counts infinities of each side and finds what only a has', () => {
    const c = compareValues([Infinity, -Infinity, 1, NaN], [Infinity, 0, 1, NaN], rows(1, 4));
    expect(c).toMatchObject({
      infA: 2,
      infB: 1,
      nanA: 1,
      nanB: 1,
      firstNonFiniteA: 0,
      firstOnlyA: 1,
      firstNonFiniteB: 0,
    });
  });

  it('judges a bound of zero: no error is 0, any error is infinite', () => {
    expect(compareValues([0], [0], rows(1, 1), [0]).maxRatio).toBe(0);
    expect(compareValues([1e-30], [0], rows(1, 1), [0]).maxRatio).toBe(Infinity);
  });

  it('cuts a (head, position, key) tensor by its middle axis', () => {
    // 2 heads, 2 positions, 1 key; only position 1 of head 1 differs.
    const c = compareValues([1, 2, 3, 9], [1, 2, 3, 4], { outer: 2, positions: 2, inner: 1 });
    expect(c.perPosition.map((p) => p.error2)).toEqual([0, 25]);
  });

  it('leaves out what has no counterpart', () => {
    const c = compareValues([1, 99], [1, 2], rows(1, 2), undefined, Uint8Array.of(0, 1));
    expect(c).toMatchObject({ count: 1, maxAbs: 0, cosine: 1 });
  });

  it('calls one-sided zeros unlike, not undefined', () => {
    expect(cosineOf({ error2: 1, a2: 0, b2: 1, dot: 0 })).toBe(0);
    expect(cosineOf({ error2: 0, a2: 0, b2: 0, dot: 0 })).toBe(1);
    expect(relL2Of({ error2: 1, b2: 0 })).toBe(Infinity);
  });
});
