import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import { MOST_SPLITS } from './attention-plan';

/** Words of `step` ahead of the rotary table. */
export const STEP_HEAD = 4;
/** Most parts of the search for the largest logit, and the fewest values of one: a value a lane. */
const ARGMAX_PARTS = 128;
const LEAST_PART = 256;

/** What the kernels of a token pass on to each other, and what they are told of it. */
export interface DecodeBuffers {
  /** The token to embed; the search for the largest logit leaves the next one there. */
  readonly token: GPUBuffer;
  /** Position, splits, keys a split, 0, then (cos, sin) of the position's rotary angles. */
  readonly step: GPUBuffer;
  /** The residual stream as it enters a layer, and after attention (`shaders/decode/lib/places.wgsl`). */
  readonly x: GPUBuffer;
  readonly middle: GPUBuffer;
  readonly qkv: GPUBuffer;
  /** What attention's splits leave. */
  readonly parts: GPUBuffer;
  /** (nHead, headDim), folded. */
  readonly attention: GPUBuffer;
  readonly router: GPUBuffer;
  readonly route: GPUBuffer;
  /** (nExpertUsed, nFfExp), each slot folded */
  readonly hidden: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly best: GPUBuffer;
}

export function createBuffers(context: GpuContext, hparams: HParams): DecodeBuffers {
  const { nEmbd, nHead, qDim, kvDim, headDim, nExpert, nExpertUsed, nFfExp, nVocab } = hparams;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const make = (label: string, words: number): GPUBuffer => context.allocate(`decode ${label}`, 4 * words, usage);
  return {
    token: make('token', 1),
    step: make('step', STEP_HEAD + headDim),
    x: make('x', streamWords(nEmbd)),
    middle: make('middle', streamWords(nEmbd)),
    qkv: make('qkv', qDim + 2 * kvDim),
    parts: make('parts', MOST_SPLITS * nHead * (headDim + 2)),
    attention: make('attention', foldedWords(qDim)),
    router: make('router', 2 * paddedExperts(nExpert)),
    route: make('route', 2 * nExpertUsed),
    hidden: make('hidden', nExpertUsed * foldedWords(nFfExp)),
    logits: make('logits', nVocab),
    best: make('best', 2 * ARGMAX_PARTS),
  };
}

/** How the search for the largest logit is cut: values a workgroup, and workgroups. */
export function argmaxParts(nVocab: number): { readonly perGroup: number; readonly count: number } {
  const perGroup = Math.max(LEAST_PART, Math.ceil(nVocab / ARGMAX_PARTS));
  return { perGroup, count: Math.ceil(nVocab / perGroup) };
}

/** Places for experts in what the router leaves: whole pieces of 32. */
export function paddedExperts(nExpert: number): number {
  return Math.ceil(nExpert / 32) * 32;
}

/** Words of a folded vector. */
function foldedWords(length: number): number {
  return 128 * Math.ceil(length / 128);
}

/** Words of a residual stream: values, gained values, and one sum of squares for each value at most. */
function streamWords(length: number): number {
  return 2 * Math.ceil(length / 4) * 4 + foldedWords(length);
}
