import type { RopePairing } from '../../arch/operations';

/** Cosine and sine of one position's rotary angles, each (dims / 2). */
export interface RopeTable {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** Angle i is position * theta^(-2i / dims), in f64. Su et al., RoFormer (2021). */
export function ropeTable(position: number, theta: number, dims: number): RopeTable {
  const half = dims / 2;
  const cos = new Float64Array(half);
  const sin = new Float64Array(half);
  for (let i = 0; i < half; i++) {
    const angle = position * theta ** ((-2 * i) / dims);
    cos[i] = Math.cos(angle);
    sin[i] = Math.sin(angle);
  }
  return { cos, sin };
}

/**
 * Rotates one head that starts at `at`: its first channels, as many as the table has angles for; the others pass. Pairs are
 * (i, i + dims / 2), the NEOX layout, or (2i, 2i + 1).
 */
export function rope(
  x: Float64Array,
  at: number,
  table: RopeTable,
  out: Float64Array,
  outAt: number,
  headDim = 2 * table.cos.length,
  pairing: RopePairing = 'neox',
): void {
  const { cos, sin } = table;
  const half = cos.length;
  const [step, apart] = pairing === 'neox' ? [1, half] : [2, 1];
  for (let i = 0; i < half; i++) {
    const first = i * step;
    const a = x[at + first]!;
    const b = x[at + first + apart]!;
    out[outAt + first] = a * cos[i]! - b * sin[i]!;
    out[outAt + first + apart] = a * sin[i]! + b * cos[i]!;
  }
  for (let i = 2 * half; i < headDim; i++) out[outAt + i] = x[at + i]!;
}
