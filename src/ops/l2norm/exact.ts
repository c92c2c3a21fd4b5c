/** x / sqrt(sum(x^2) + eps) of each head of n channels, written `times` times one after the other; `largestSum` is that of the squares. */
export function l2norm(
  x: Float64Array,
  n: number,
  eps: number,
  times: number,
): { readonly values: Float64Array<ArrayBuffer>; readonly largestSum: number } {
  let largestSum = 0;
  const out = new Float64Array(x.length * times);
  for (let at = 0; at < x.length; at += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += x[at + i]! * x[at + i]!;
    largestSum = Math.max(largestSum, squares);
    const scale = 1 / Math.sqrt(squares + eps);
    for (let copy = 0; copy < times; copy++) {
      for (let i = 0; i < n; i++) out[at * times + copy * n + i] = x[at + i]! * scale;
    }
  }
  return { values: out, largestSum };
}
