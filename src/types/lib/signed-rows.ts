/* Rows of a grid with signs: value j of a row is negative where bit j of `signs` is set. */

/** out[at .. at + 7] = d * (+-) row `row` of a grid of 8 columns. */
export function putEight(grid: Int8Array, row: number, signs: number, d: number, out: Float32Array, at: number): void {
  for (let j = 0; j < 8; j++) {
    const value = grid[8 * row + j]!;
    out[at + j] = d * ((signs >> j) & 1 ? -value : value);
  }
}

/** out[at .. at + 3] = d * (+-) row `row` of a grid of 4 columns. */
export function putFour(grid: Int8Array, row: number, signs: number, d: number, out: Float32Array, at: number): void {
  for (let j = 0; j < 4; j++) {
    const value = grid[4 * row + j]!;
    out[at + j] = d * ((signs >> j) & 1 ? -value : value);
  }
}
