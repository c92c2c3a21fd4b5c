/** Rows of a and b side by side, a's first. @param rows how many */
export function concat(a: Float64Array, b: Float64Array, rows: number): Float64Array<ArrayBuffer> {
  const [ofA, ofB] = [a.length / rows, b.length / rows];
  const out = new Float64Array(a.length + b.length);
  for (let row = 0; row < rows; row++) {
    out.set(a.subarray(row * ofA, (row + 1) * ofA), row * (ofA + ofB));
    out.set(b.subarray(row * ofB, (row + 1) * ofB), row * (ofA + ofB) + ofA);
  }
  return out;
}
