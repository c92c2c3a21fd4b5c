import { describe, expect, it } from 'vitest';
import { cutShares } from '../../../src/gpu/engine/cut-shares';
import { workList } from '../../../src/gpu/matmul/work-list';

/** A share of `count` rows whose numbers begin with `id`. */
function share(id: number, count: number): { readonly weightWords: number; readonly rows: readonly number[] } {
  return { weightWords: id, rows: Array.from({ length: 2 * count }, (_, i) => 100 * id + i) };
}

describe('cutShares', () => {
  const shares = [share(1, 5), share(2, 1), share(3, 0), share(4, 12)];

  it.each([1, 2, 3, 4, 100])('makes the entries of the uncut list, at most %i in each', (most) => {
    const tile = 4;
    const lists = cutShares(shares, tile, most).map((some) => workList(some, tile));
    expect(lists.every((list) => list.entryCount > 0 && list.entryCount <= most)).toBe(true);
    const entries = lists.flatMap(({ entries: e, rows, entryCount }) =>
      Array.from({ length: entryCount }, (_, i) => {
        const [words = 0, first = 0, count = 0] = e.subarray(4 * i);
        return [words, ...rows.subarray(2 * first, 2 * (first + count))];
      }),
    );
    expect(entries).toEqual([
      [1, 100, 101, 102, 103, 104, 105, 106, 107],
      [1, 108, 109],
      [2, 200, 201],
      [4, 400, 401, 402, 403, 404, 405, 406, 407],
      [4, 408, 409, 410, 411, 412, 413, 414, 415],
      [4, 416, 417, 418, 419, 420, 421, 422, 423],
    ]);
  });

  it('makes no list of nothing', () => {
    expect(cutShares([share(1, 0)], 4, 2)).toEqual([]);
  });
});
