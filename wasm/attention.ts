/* src/cpu/kernels/attention-scores.ts and attention-values.ts with f64x2 vectors: the same additions in the same order. */

/**
 * out_k = q . key_k / root. Even and odd channels are summed apart: the two lanes.
 * @param keys f64 of the first key's head; the next key lies `stride` bytes on
 * @param headDim even
 */
export function scores(q: usize, keys: usize, stride: u32, headDim: u32, nKeys: u32, root: f64, out: usize): void {
  const bytes: usize = headDim << 3;
  for (let k: u32 = 0; k < nKeys; k++) {
    let sum = f64x2.splat(0);
    for (let d: usize = 0; d < bytes; d += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(q + d), v128.load(keys + d)));
    store<f64>(out + (k << 3), (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / root);
    keys += stride;
  }
}

/**
 * out_d = sum_k weights_k * value_kd, keys ascending.
 * @param values f64 of the first value's head; the next lies `stride` bytes on
 * @param headDim even
 */
export function weighted(weights: usize, nKeys: u32, values: usize, stride: u32, headDim: u32, out: usize): void {
  const bytes: usize = headDim << 3;
  let d: usize = 0;
  // Sixteen channels at a time stay in registers over all keys.
  for (; d + 128 <= bytes; d += 128) {
    let v0 = f64x2.splat(0);
    let v1 = v0;
    let v2 = v0;
    let v3 = v0;
    let v4 = v0;
    let v5 = v0;
    let v6 = v0;
    let v7 = v0;
    let value = values + d;
    for (let k: u32 = 0; k < nKeys; k++) {
      const w = v128.load64_splat(weights + (k << 3));
      v0 = f64x2.add(v0, f64x2.mul(w, v128.load(value, 0)));
      v1 = f64x2.add(v1, f64x2.mul(w, v128.load(value, 16)));
      v2 = f64x2.add(v2, f64x2.mul(w, v128.load(value, 32)));
      v3 = f64x2.add(v3, f64x2.mul(w, v128.load(value, 48)));
      v4 = f64x2.add(v4, f64x2.mul(w, v128.load(value, 64)));
      v5 = f64x2.add(v5, f64x2.mul(w, v128.load(value, 80)));
      v6 = f64x2.add(v6, f64x2.mul(w, v128.load(value, 96)));
      v7 = f64x2.add(v7, f64x2.mul(w, v128.load(value, 112)));
      value += stride;
    }
    v128.store(out + d, v0, 0);
    v128.store(out + d, v1, 16);
    v128.store(out + d, v2, 32);
    v128.store(out + d, v3, 48);
    v128.store(out + d, v4, 64);
    v128.store(out + d, v5, 80);
    v128.store(out + d, v6, 96);
    v128.store(out + d, v7, 112);
  }
  for (; d < bytes; d += 16) {
    let sum = f64x2.splat(0);
    let value = values + d;
    for (let k: u32 = 0; k < nKeys; k++) {
      sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(weights + (k << 3)), v128.load(value)));
      value += stride;
    }
    v128.store(out + d, sum);
  }
}
