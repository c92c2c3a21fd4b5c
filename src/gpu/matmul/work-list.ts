/** One matrix (a whole one, an expert's) and the rows of x that it meets. */
export interface Share {
  /** Where the matrix begins in the `weights` binding, in 4-byte words; a multiple of 4. */
  readonly weightWords: number;
  /** (xRow, yRow) of each product row, flat. */
  readonly rows: readonly number[];
}

/** The work of a product kernel: its `entries` and `rows` bindings. */
export interface WorkList {
  /** (weightWords, first, count, 0) an entry; first and count in pairs of `rows`, count at most the kernel's tile. */
  readonly entries: Uint32Array<ArrayBuffer>;
  /** (xRow, yRow) pairs. */
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly entryCount: number;
}

/** Cuts the rows of each share into entries of at most `tile` rows. A share without rows (an unused expert) makes no entry. */
export function workList(shares: readonly Share[], tile: number): WorkList {
  let pairs = 0;
  let entryCount = 0;
  for (const { rows } of shares) {
    pairs += rows.length / 2;
    entryCount += Math.ceil(rows.length / 2 / tile);
  }
  const rows = new Uint32Array(2 * pairs);
  const entries = new Uint32Array(4 * entryCount);
  let pair = 0;
  let at = 0;
  for (const share of shares) {
    const count = share.rows.length / 2;
    rows.set(share.rows, 2 * pair);
    for (let first = 0; first < count; first += tile, at += 4) {
      entries.set([share.weightWords, pair + first, Math.min(tile, count - first), 0], at);
    }
    pair += count;
  }
  return { entries, rows, entryCount };
}
