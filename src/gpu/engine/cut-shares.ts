import type { Share } from '../matmul/work-list';

/**
 * Cuts shares, in order, into lists of at most `entries` entries of the work list. A share is cut only between entries of `tile` rows,
 * so that every entry is the one that it would be uncut.
 */
export function cutShares(shares: readonly Share[], tile: number, entries: number): readonly (readonly Share[])[] {
  const lists: Share[][] = [];
  let room = 0;
  for (const { weightWords, rows } of shares) {
    const pairs = rows.length / 2;
    let first = 0;
    while (first < pairs) {
      if (room === 0) {
        lists.push([]);
        room = entries;
      }
      const count = Math.min(pairs - first, room * tile);
      lists.at(-1)?.push({ weightWords, rows: rows.slice(2 * first, 2 * (first + count)) });
      room -= Math.ceil(count / tile);
      first += count;
    }
  }
  return lists;
}
