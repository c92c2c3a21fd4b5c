import { U } from '../kernels/support';
import { EPS, type AttentionCase, type AttentionInputs } from './run-attention';

/** Attention of one token in plain loops, f64, and how far honest f32 may be from it, element by element. */
export interface AttentionTwin {
  readonly qRope: Float64Array;
  readonly kRope: Float64Array;
  readonly scores: Float64Array;
  readonly softmax: Float64Array;
  readonly attention: Float64Array;
  readonly bounds: Readonly<Record<'rope' | 'scores' | 'softmax' | 'attention', (i: number) => number>>;
}

/** Rounding of a normed and turned value: squares summed over a head, division, inverseSqrt (2 ULP), gain, two products and a sum. */
const ropeError = (headDim: number): number => (headDim / 2 + 12) * U;

/** The textbook: Vaswani et al., 2017, section 3.2.1; norms and rotary angles as `docs` of the reference say. */
export function attentionTwin(shape: AttentionCase, inputs: AttentionInputs): AttentionTwin {
  const { nHead, nHeadKv, headDim, position } = shape;
  const { qkv, gainQ, gainK, keys, values, turns } = inputs;
  const [qDim, kvDim, nKeys] = [nHead * headDim, nHeadKv * headDim, position + 1];
  const { turned: qRope, size: qSize } = turnHeads(qkv.subarray(0, qDim), gainQ, turns, headDim);
  const { turned: kRope, size: kSize } = turnHeads(qkv.subarray(qDim, qDim + kvDim), gainK, turns, headDim);
  const scores = new Float64Array(nHead * nKeys);
  const scoreBounds = new Float64Array(nHead * nKeys);
  const softmax = new Float64Array(nHead * nKeys);
  const softmaxBounds = new Float64Array(nHead * nKeys);
  const attention = new Float64Array(qDim);
  const attentionBounds = new Float64Array(qDim);
  for (let h = 0; h < nHead; h++) {
    const kv = Math.floor(h / (nHead / nHeadKv));
    const keyAt = (j: number, d: number): number =>
      (j === position ? kRope[kv * headDim + d] : keys[j * kvDim + kv * headDim + d]) ?? NaN;
    const valueAt = (j: number, d: number): number =>
      (j === position ? qkv[qDim + kvDim + kv * headDim + d] : values[j * kvDim + kv * headDim + d]) ?? NaN;
    let top = -Infinity;
    let worst = 0;
    for (let j = 0; j < nKeys; j++) {
      let sum = 0;
      let bound = 0;
      for (let d = 0; d < headDim; d++) {
        const q = qRope[h * headDim + d] ?? NaN;
        sum += q * keyAt(j, d);
        const keySize = j === position ? (kSize[kv * headDim + d] ?? NaN) : Math.abs(keyAt(j, d));
        const roundings = (headDim + 4) * U + (j === position ? 2 : 1) * ropeError(headDim);
        bound += roundings * (qSize[h * headDim + d] ?? NaN) * keySize;
      }
      scores[h * nKeys + j] = sum / Math.sqrt(headDim);
      scoreBounds[h * nKeys + j] = bound / Math.sqrt(headDim);
      top = Math.max(top, sum / Math.sqrt(headDim));
      worst = Math.max(worst, bound / Math.sqrt(headDim));
    }
    let total = 0;
    for (let j = 0; j < nKeys; j++) total += Math.exp((scores[h * nKeys + j] ?? NaN) - top);
    for (let j = 0; j < nKeys; j++) {
      const below = (scores[h * nKeys + j] ?? NaN) - top;
      const p = Math.exp(below) / total;
      softmax[h * nKeys + j] = p;
      // exp is good to 3 + 2 |x| ULP, and taken up to three times (tile, shrinking, joining); then sums over keys and a division.
      const bound = p * (4 * worst + (3 * (4 - 2 * below) + nKeys + 16) * U);
      softmaxBounds[h * nKeys + j] = bound;
      for (let d = 0; d < headDim; d++) {
        const at = h * headDim + d;
        attention[at] = (attention[at] ?? 0) + p * valueAt(j, d);
        attentionBounds[at] = (attentionBounds[at] ?? 0) + (2 * bound + nKeys * U * p) * Math.abs(valueAt(j, d));
      }
    }
  }
  return {
    ...{ qRope, kRope, scores, softmax, attention },
    bounds: {
      rope: (i) => ropeError(headDim) * Math.max(qSize[i] ?? 0, kSize[i] ?? 0),
      scores: (i) => scoreBounds[i] ?? NaN,
      softmax: (i) => softmaxBounds[i] ?? NaN,
      attention: (i) => attentionBounds[i] ?? NaN,
    },
  };
}

/** RMSNorm head by head, then pairs (i, i + headDim / 2) turned; with the sum of the sizes of the two terms of each value. */
function turnHeads(
  raw: Float32Array,
  gain: Float32Array,
  turns: Float32Array,
  headDim: number,
): { readonly turned: Float64Array; readonly size: Float64Array } {
  const turned = new Float64Array(raw.length);
  const size = new Float64Array(raw.length);
  const half = headDim / 2;
  for (let at = 0; at < raw.length; at += headDim) {
    let squares = 0;
    for (let d = 0; d < headDim; d++) squares += (raw[at + d] ?? NaN) ** 2;
    const scale = 1 / Math.sqrt(squares / headDim + EPS);
    for (let i = 0; i < half; i++) {
      const low = (raw[at + i] ?? NaN) * scale * (gain[i] ?? NaN);
      const high = (raw[at + half + i] ?? NaN) * scale * (gain[half + i] ?? NaN);
      const [cos = NaN, sin = NaN] = [turns[2 * i], turns[2 * i + 1]];
      turned[at + i] = low * cos - high * sin;
      turned[at + half + i] = high * cos + low * sin;
      size[at + i] = Math.abs(low * cos) + Math.abs(high * sin);
      size[at + half + i] = Math.abs(high * cos) + Math.abs(low * sin);
    }
  }
  return { turned, size };
}
