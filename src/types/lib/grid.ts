/** The table that a type's indices name: rows of 4 or 8 values. Read off llama.cpp's library; there is no closed form. */
export interface Grid {
  readonly rows: number;
  readonly columns: 4 | 8;
  /** What a code stands for. */
  readonly values: readonly number[];
  /** Row r's values as codes of 16 / columns bits (2 for 8 columns, 3 for 4), the first in the lowest bits. */
  readonly codes: Uint16Array;
  /** (rows, columns) */
  readonly entries: Int8Array<ArrayBuffer>;
}

/** A grid from its codes, four hexadecimal digits a row. */
export function gridOf(columns: 4 | 8, values: readonly number[], hex: string): Grid {
  const rows = hex.length / 4;
  const codes = Uint16Array.from({ length: rows }, (_, r) => parseInt(hex.slice(4 * r, 4 * r + 4), 16));
  const bits = columns === 8 ? 2 : 3;
  const entries = new Int8Array(rows * columns);
  for (let i = 0; i < entries.length; i++) {
    const code = codes[Math.floor(i / columns)] ?? 0;
    entries[i] = values[(code >> (bits * (i % columns))) & ((1 << bits) - 1)] ?? 0;
  }
  return { rows, columns, values, codes, entries };
}
