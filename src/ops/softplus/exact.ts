/** log(1 + exp(x + bias)) with one bias a column. */
export function softplus(x: Float64Array, bias: Float32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value, i) => {
    const v = value + bias[i % bias.length]!;
    return Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  });
}
