import { ropeTable as exactTable, type RopeAttrs, type RopeFactors } from '../../ops/rope/exact';

/** (cos, sin) of the rotary angles of `rows` positions from `firstPosition`, made in f64 and rounded to f32 at the end: (rows, dims / 2, 2). */
export function ropeTable(
  firstPosition: number,
  rows: number,
  attrs: Omit<RopeAttrs, 'pairing'>,
  factors?: RopeFactors,
): Float32Array<ArrayBuffer> {
  const pairs = attrs.dims / 2;
  const table = new Float32Array(rows * pairs * 2);
  for (let row = 0; row < rows; row++) {
    const { cos, sin } = exactTable(firstPosition + row, attrs, factors);
    for (let i = 0; i < pairs; i++) {
      table[2 * (row * pairs + i)] = cos[i] ?? NaN;
      table[2 * (row * pairs + i) + 1] = sin[i] ?? NaN;
    }
  }
  return table;
}

/** {@link ropeTable}, computed once for each chunk of a step: every layer asks for the same. */
export type RopeTables = typeof ropeTable;

/** Tables that are kept: those of a long prompt's chunks. */
const KEPT_TABLES = 64;

export function keepRopeTables(): RopeTables {
  const kept = new Map<string, Float32Array<ArrayBuffer>>();
  return (firstPosition, rows, attrs, factors) => {
    const key = JSON.stringify([firstPosition, rows, attrs, factors && [...factors]]);
    let table = kept.get(key);
    if (table === undefined) {
      if (kept.size >= KEPT_TABLES) kept.clear();
      table = ropeTable(firstPosition, rows, attrs, factors);
      kept.set(key, table);
    }
    return table;
  };
}
