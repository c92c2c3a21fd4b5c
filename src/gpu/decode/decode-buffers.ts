import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';

/** Keys that attention takes at a time; `shaders/decode/attention.wgsl` says the same. */
const TILE_KEYS = 64;
/** Splits that the output projection joins on its way; more are joined ahead of it. */
const FEW_SPLITS = 8;
/** Most splits: what joining reads grows with them. */
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
  /** The residual stream as it enters a layer, and after attention: (nEmbd). */
  readonly x: GPUBuffer;
  readonly middle: GPUBuffer;
  readonly qkv: GPUBuffer;
  /** What attention's splits leave, and what is left of many when they are joined. */
  readonly parts: GPUBuffer;
  readonly joined: GPUBuffer;
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
    parts: make('parts', partWords(hparams, MOST_SPLITS)),
    joined: make('joined', partWords(hparams, 1)),
    router: make('router', 2 * Math.ceil(nExpert / 4) * 4),
    route: make('route', 2 * nExpertUsed),
    hidden: make('hidden', nExpertUsed * nFfExp),
    logits: make('logits', nVocab),
    best: make('best', 2 * ARGMAX_PARTS),
  };
}

/** (splits, nHead, headDim) values and (splits, nHead) pairs, whole vec4s. */
function partWords({ nHead, headDim }: HParams, splits: number): number {
  return Math.ceil((splits * nHead * (headDim + 2)) / 4) * 4;
}

/** How attention over so many keys is split. */
export interface Splits {
  readonly count: number;
  readonly keys: number;
  /** Whether they are joined ahead of the output projection. */
  readonly joined: boolean;
}

/** A function of the number of keys alone, as the order of sums has to be. */
export function splitsOf(nKeys: number): Splits {
  const tiles = Math.ceil(nKeys / TILE_KEYS);
  const each = Math.ceil(tiles / MOST_SPLITS);
  const count = Math.ceil(tiles / each);
  return { count, keys: each * TILE_KEYS, joined: count > FEW_SPLITS };
}
