/** Columns `first` to first + width - 1 of each row of `stride`. */
export function slice(x: Float64Array, stride: number, first: number, width: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array((x.length / stride) * width);
  for (let row = 0; row * stride < x.length; row++) {
    const from = row * stride + first;
    out.set(x.subarray(from, from + width), row * width);
  }
  return out;
}
