/**
 * (cos, sin) of the rotary angles of `rows` positions from `firstPosition`: (rows, headDim / 2, 2). Angle i of a position is
 * position * theta^(-2i / headDim), in f64 (Su et al., RoFormer, 2021); rounded to f32 at the end.
 */
export function ropeTable(
  firstPosition: number,
  rows: number,
  theta: number,
  headDim: number,
): Float32Array<ArrayBuffer> {
  const pairs = headDim / 2;
  const table = new Float32Array(rows * pairs * 2);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < pairs; i++) {
      const angle = (firstPosition + row) * theta ** ((-2 * i) / headDim);
      table[2 * (row * pairs + i)] = Math.cos(angle);
      table[2 * (row * pairs + i) + 1] = Math.sin(angle);
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
  return (firstPosition, rows, theta, headDim) => {
    const key = [firstPosition, rows, theta, headDim].join();
    let table = kept.get(key);
    if (table === undefined) {
      if (kept.size >= KEPT_TABLES) kept.clear();
      table = ropeTable(firstPosition, rows, theta, headDim);
      kept.set(key, table);
    }
    return table;
  };
}
