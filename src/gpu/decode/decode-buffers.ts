import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';

/** Keys that attention takes at a time; `shaders/decode/attention.wgsl` says the same. */
const TILE_KEYS = 64;
/** Keys up to which attention is not split: what joining costs, a workgroup's second tile does not. */
const WHOLE_KEYS = 128;
/** Most splits; `shaders/decode/attention_join.wgsl` says the same. */
const MOST_SPLITS = 32;
/** Words of `step` ahead of the rotary table. */
export const STEP_HEAD = 4;
/** Parts of the search for the largest logit. */
export const ARGMAX_PARTS = 128;

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

/** How attention over so many keys is split. */
export interface Splits {
  readonly count: number;
  /** Keys of a split, whole tiles. */
  readonly keys: number;
}

/** A function of the number of keys alone, as the order of sums has to be. */
export function splitsOf(nKeys: number): Splits {
  const tiles = Math.ceil(nKeys / TILE_KEYS);
  if (nKeys <= WHOLE_KEYS) return { count: 1, keys: WHOLE_KEYS };
  const each = Math.ceil(tiles / MOST_SPLITS);
  return { count: Math.ceil(tiles / each), keys: each * TILE_KEYS };
}
