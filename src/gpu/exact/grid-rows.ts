/** Bits of a value on its row's grid: |v| < 2^(unit + 62). */
const GRID_BITS = 62;
/** Values at most this factor below a row's largest one keep all 53 bits on its grid: 62 - 53. */
const FULL_RANGE = 2 ** 9;
/** More grids than this for one row, and it is not for these kernels. */
const MOST_GRIDS = 8;

/** A row of x on power-of-two grids: one as a rule, several where its values lie far apart; their sum is the row. */
export interface GridRow {
  /** (nIn): values on this grid, 0 elsewhere. May be a view of the row itself. */
  readonly values: Float64Array;
  /** The grid's unit as a power of two. */
  readonly unit: number;
}

/**
 * A row on grids on which rounding costs less than 2^-53 of a sum of absolute products with it: where the mean of |x| lies more than 2^9
 * below the largest, small values get a grid of their own.
 * @returns undefined where a value is not finite, or lies beyond all grids
 */
export function gridRows(row: Float64Array): readonly GridRow[] | undefined {
  const rows: GridRow[] = [];
  let rest = row;
  while (rows.length < MOST_GRIDS) {
    const { largest, mean } = sizes(rest);
    if (!Number.isFinite(largest)) return undefined;
    const unit = largest === 0 ? 0 : exponentOf(largest) + 1 - GRID_BITS;
    // Below that, the scaled result could leave the normal range of f64.
    if (largest !== 0 && (unit < -900 || unit > 800)) return undefined;
    if (mean * FULL_RANGE >= largest) {
      rows.push({ values: rest, unit });
      return rows;
    }
    const limit = largest / FULL_RANGE;
    const upper = Float64Array.from(rest, (v) => (Math.abs(v) >= limit ? v : 0));
    rows.push({ values: upper, unit });
    rest = Float64Array.from(rest, (v) => (Math.abs(v) >= limit ? 0 : v));
  }
  return undefined;
}

/** floor(log2(v)) of a positive finite number. */
export function exponentOf(v: number): number {
  BITS.setFloat64(0, v);
  const field = (BITS.getUint32(0) >>> 20) & 0x7ff;
  return field === 0 ? Math.floor(Math.log2(v)) : field - 1023;
}

const BITS = new DataView(new ArrayBuffer(8));

/** The largest |v|, NaN where one is; the mean of |v|. */
function sizes(row: Float64Array): { readonly largest: number; readonly mean: number } {
  let largest = 0;
  let sum = 0;
  for (const v of row) {
    const size = Math.abs(v);
    sum += size;
    if (size > largest) largest = size;
  }
  return { largest: Number.isNaN(sum) ? NaN : largest, mean: sum / row.length };
}
