/**
 * Interleaved partial sums of a dot product. Element j goes to lane j mod 8, each lane adds in ascending j, and the lanes are combined as
 * ((l0 + l1) + (l2 + l3)) + ((l4 + l5) + (l6 + l7)). Four f64x2 vectors do the same additions, so a SIMD kernel can be bit-equal.
 */
export const DOT_LANES = 8;

/**
 * sum_j w[j] * x[xAt + j] over `n` elements, every product and sum in f64, in the order of {@link DOT_LANES}.
 * @param w one dequantised weight row (n)
 * @param x activations; the vector starts at `xAt`
 */
export function dot(w: Float32Array, x: Float64Array, xAt: number, n: number): number {
  let l0 = 0;
  let l1 = 0;
  let l2 = 0;
  let l3 = 0;
  let l4 = 0;
  let l5 = 0;
  let l6 = 0;
  let l7 = 0;
  const whole = n - (n % DOT_LANES);
  let j = 0;
  for (; j < whole; j += DOT_LANES) {
    const i = xAt + j;
    l0 += w[j]! * x[i]!;
    l1 += w[j + 1]! * x[i + 1]!;
    l2 += w[j + 2]! * x[i + 2]!;
    l3 += w[j + 3]! * x[i + 3]!;
    l4 += w[j + 4]! * x[i + 4]!;
    l5 += w[j + 5]! * x[i + 5]!;
    l6 += w[j + 6]! * x[i + 6]!;
    l7 += w[j + 7]! * x[i + 7]!;
  }
  if (j < n) l0 += w[j]! * x[xAt + j]!;
  if (j + 1 < n) l1 += w[j + 1]! * x[xAt + j + 1]!;
  if (j + 2 < n) l2 += w[j + 2]! * x[xAt + j + 2]!;
  if (j + 3 < n) l3 += w[j + 3]! * x[xAt + j + 3]!;
  if (j + 4 < n) l4 += w[j + 4]! * x[xAt + j + 4]!;
  if (j + 5 < n) l5 += w[j + 5]! * x[xAt + j + 5]!;
  if (j + 6 < n) l6 += w[j + 6]! * x[xAt + j + 6]!;
  return l0 + l1 + (l2 + l3) + (l4 + l5 + (l6 + l7));
}
