/** Cosine and sine of one position's rotary angles, each (headDim / 2). */
export interface RopeTable {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** Angle i is position * theta^(-2i / headDim), in f64. Su et al., RoFormer (2021). */
export function ropeTable(position: number, theta: number, headDim: number): RopeTable {
  const half = headDim / 2;
  const cos = new Float64Array(half);
  const sin = new Float64Array(half);
  for (let i = 0; i < half; i++) {
    const angle = position * theta ** ((-2 * i) / headDim);
    cos[i] = Math.cos(angle);
    sin[i] = Math.sin(angle);
  }
  return { cos, sin };
}

/** Rotates one head that starts at `at`: pairs (i, i + headDim / 2), the NEOX layout. */
export function rope(x: Float64Array, at: number, table: RopeTable, out: Float64Array, outAt: number): void {
  const { cos, sin } = table;
  const half = cos.length;
  for (let i = 0; i < half; i++) {
    const a = x[at + i]!;
    const b = x[at + half + i]!;
    out[outAt + i] = a * cos[i]! - b * sin[i]!;
    out[outAt + half + i] = a * sin[i]! + b * cos[i]!;
  }
}
