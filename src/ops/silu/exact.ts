/** x / (1 + exp(-x)), element by element. */
export function silu(x: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value) => value / (1 + Math.exp(-value)));
}
