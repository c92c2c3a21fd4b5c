/** a[i] * b[i / run]: element by element, or with one factor for each `run` values of a. */
export function multiply(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const run = a.length / b.length;
  return Float64Array.from(a, (value, i) => value * b[Math.floor(i / run)]!);
}
