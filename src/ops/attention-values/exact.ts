/**
 * out[outAt + d] = sum_k weights[at + k] * values[k][channel + d] over keys 0 .. nKeys - 1 in ascending order.
 * @param weights attention softmax of one head and query, starts at `at`
 * @param values (positions, nHeadKv * headDim); the head's channels start at `channel`
 * @param stride nHeadKv * headDim
 */
export function attentionValues(
  weights: Float64Array,
  at: number,
  nKeys: number,
  values: Float64Array,
  channel: number,
  stride: number,
  headDim: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let d = 0; d < headDim; d++) out[outAt + d] = 0;
  for (let k = 0; k < nKeys; k++) {
    const weight = weights[at + k]!;
    const from = k * stride + channel;
    for (let d = 0; d < headDim; d++) out[outAt + d]! += weight * values[from + d]!;
  }
}
