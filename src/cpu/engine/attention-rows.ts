import { headAttention, type HeadAttention } from '../kernels/head-attention';
import { softmax } from '../kernels/softmax';
import { capturedPositions, type Step, type StageOutput } from './step';

/**
 * Attention goes query by query and head by head, so that no (nHead, nTokens, nKeys) array is ever whole: scores and softmax are computed
 * again for the positions that a capture names. The same kernels in the same order give the same bits.
 */

/** Scores of (head, token) for the first `nKeys` keys, into `out` at `outAt`. Grouped queries: head j reads kv head floor(j / group). */
export function scoreRow(
  step: Step,
  attention: HeadAttention,
  head: number,
  token: number,
  nKeys: number,
  out: Float64Array,
  outAt: number,
): void {
  const { headDim, qDim } = step.hparams;
  const q = step.values.float('q_post_rope');
  attention.scores(q, token * qDim + head * headDim, kvHead(step, head) * headDim, nKeys, out, outAt);
}

/** Softmax of (head, token) over the keys that it may see; returns how many. The rest of `out` is left alone: zero. */
export function softmaxRow(
  step: Step,
  attention: HeadAttention,
  head: number,
  token: number,
  out: Float64Array,
  outAt: number,
): number {
  const visible = step.nPast + token + 1;
  scoreRow(step, attention, head, token, visible, out, outAt);
  softmax(out, outAt, visible);
  return visible;
}

/** Calls `row` for every head and captured position of an attention stage; breathes between. Gives (nHead, captured, nKeys). */
export async function capturedAttention(
  step: Step,
  stage: 'attn_scores' | 'attn_softmax',
  row: (attention: HeadAttention, head: number, token: number, out: Float64Array, outAt: number) => void,
): Promise<StageOutput> {
  const positions = capturedPositions(step, stage);
  const nKeys = step.nPast + step.nTokens;
  const values = new Float64Array(step.hparams.nHead * positions.length * nKeys);
  if (values.length === 0) return { values, tokens: 'captured' };
  await withAttention(step, async (attention) => {
    let at = 0;
    for (let head = 0; head < step.hparams.nHead; head++) {
      for (const position of positions) {
        row(attention, head, position - step.nPast, values, at);
        at += nKeys;
        if (step.pause.due()) await step.pause.breathe();
      }
    }
  });
  return { values, tokens: 'captured' };
}

/**
 * softmax x V for every token: (nTokens, qDim).
 * @param weightsOf puts the softmax of (head, token) into `out` and returns how many keys it covers
 */
export async function attentionOutput(
  step: Step,
  weightsOf?: (head: number, token: number, out: Float64Array) => number,
): Promise<StageOutput> {
  const { nHead, headDim, qDim } = step.hparams;
  const values = new Float64Array(step.nTokens * qDim);
  const weights = new Float64Array(step.nPast + step.nTokens);
  await withAttention(step, async (attention) => {
    for (let token = 0; token < step.nTokens; token++) {
      for (let head = 0; head < nHead; head++) {
        const visible = weightsOf?.(head, token, weights) ?? softmaxRow(step, attention, head, token, weights, 0);
        const at = token * qDim + head * headDim;
        attention.values(weights, kvHead(step, head) * headDim, visible, values, at);
        if (step.pause.due()) await step.pause.breathe();
      }
    }
  });
  return { values, tokens: 'all' };
}

/** Attention over the layer's keys and values, this step's among them, for the time of `work`. */
export async function withAttention(step: Step, work: (attention: HeadAttention) => Promise<void>): Promise<void> {
  const { cache, hparams, nPast, nTokens } = step;
  const { kvDim, headDim } = hparams;
  const kv = { keys: cache.keys, values: cache.values, positions: nPast + nTokens, kvDim, headDim };
  const attention = headAttention(kv);
  try {
    await work(attention);
  } finally {
    attention.release();
  }
}

/** The kv head that a query head reads. */
export function kvHead(step: Step, head: number): number {
  return Math.floor(head / (step.hparams.nHead / step.hparams.nHeadKv));
}
