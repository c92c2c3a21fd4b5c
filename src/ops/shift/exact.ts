/** x + weight with one weight a column. */
export function shift(x: Float64Array, weight: Float32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value, i) => value + weight[i % weight.length]!);
}
