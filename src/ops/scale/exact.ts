/** x * factor, element by element. */
export function scale(x: Float64Array, factor: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value) => value * factor);
}
