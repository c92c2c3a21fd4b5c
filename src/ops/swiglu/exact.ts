/** silu(gate) * up, element by element, with silu(g) = g / (1 + exp(-g)). Shazeer, GLU Variants Improve Transformer (2020). */
export function swiglu(gate: Float64Array, up: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(gate.length);
  for (let i = 0; i < out.length; i++) {
    const g = gate[i]!;
    out[i] = (g / (1 + Math.exp(-g))) * up[i]!;
  }
  return out;
}
