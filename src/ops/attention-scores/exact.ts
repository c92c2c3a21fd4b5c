/**
 * out[outAt + k] = q . key_k / divisor for keys 0 .. nKeys - 1 of one kv head, before any mask.
 * @param q the query head starts at `qAt` (headDim)
 * @param keys (positions, nHeadKv * headDim); the head's channels start at `channel`
 * @param stride nHeadKv * headDim
 */
export function attentionScores(
  q: Float64Array,
  qAt: number,
  keys: Float64Array,
  channel: number,
  stride: number,
  headDim: number,
  nKeys: number,
  out: Float64Array,
  outAt: number,
  divisor = Math.sqrt(headDim),
): void {
  for (let k = 0; k < nKeys; k++) {
    const at = k * stride + channel;
    let even = 0;
    let odd = 0;
    for (let d = 0; d < headDim; d += 2) {
      even += q[qAt + d]! * keys[at + d]!;
      odd += q[qAt + d + 1]! * keys[at + d + 1]!;
    }
    out[outAt + k] = (even + odd) / divisor;
  }
}
