/** 1 / (1 + exp(-x)), element by element. */
export function sigmoid(x: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value) => 1 / (1 + Math.exp(-value)));
}
