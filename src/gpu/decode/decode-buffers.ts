import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';

/** Keys of one split of attention; `shaders/decode/attention.wgsl` says the same. */
export const SPLIT_KEYS = 256;
/** Words of `step` ahead of the rotary table. */
export const STEP_HEAD = 4;
/** Parts of the search for the largest logit. */
export const ARGMAX_PARTS = 128;

/** What the kernels of a token pass on to each other, and what they are told of it. */
export interface DecodeBuffers {
  /** The token to embed; the search for the largest logit leaves the next one there. */
  readonly token: GPUBuffer;
  /** Position, splits, 0, 0, then (cos, sin) of the position's rotary angles. */
  readonly step: GPUBuffer;
  /** The residual stream as it enters a layer, and after attention: (nEmbd). */
  readonly x: GPUBuffer;
  readonly middle: GPUBuffer;
  readonly qkv: GPUBuffer;
  /** (nHead, headDim) */
  readonly attention: GPUBuffer;
  readonly router: GPUBuffer;
  readonly route: GPUBuffer;
  /** (nExpertUsed, nFfExp) */
  readonly hidden: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly best: GPUBuffer;
}

export function createBuffers(context: GpuContext, hparams: HParams): DecodeBuffers {
  const { nEmbd, qDim, kvDim, headDim, nExpert, nExpertUsed, nFfExp, nVocab } = hparams;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const make = (label: string, words: number): GPUBuffer => context.allocate(`decode ${label}`, 4 * words, usage);
  return {
    token: make('token', 1),
    step: make('step', STEP_HEAD + headDim),
    x: make('x', nEmbd),
    middle: make('middle', nEmbd),
    qkv: make('qkv', qDim + 2 * kvDim),
    attention: make('attention', qDim),
    router: make('router', 2 * Math.ceil(nExpert / 4) * 4),
    route: make('route', 2 * nExpertUsed),
    hidden: make('hidden', nExpertUsed * nFfExp),
    logits: make('logits', nVocab),
    best: make('best', 2 * ARGMAX_PARTS),
  };
}

/** Splits of attention over this many keys. */
export function splitsOf(nKeys: number): number {
  return Math.ceil(nKeys / SPLIT_KEYS);
}
