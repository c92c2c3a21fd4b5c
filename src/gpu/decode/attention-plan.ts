import type { HParams } from '../../model/hparams';
import type { KernelVariant } from '../kernel-spec';
import type { AttentionChoice } from './decode-kernels';

/** Keys that attention takes at a time; the kernels say the same. */
const TILE_KEYS = 64;
/** Keys up to which attention by single heads is not split: what joining costs, a workgroup's second tile does not. */
const WHOLE_KEYS = 128;
/** Most splits of single heads. */
const HEAD_SPLITS = 32;
/** Most splits of any way. */
export const MOST_SPLITS = 64;
/** Most heads that share keys in a workgroup, and channels of them together; `shaders/decode/attention_shared.wgsl` says why. */
const SHARED_HEADS = 8;
const SHARED_CHANNELS = 1024;

/** Ways of attention: single heads, not split and split; the heads of a group together, split. */
export const ATTENTION_WAYS = ['whole', 'split', 'shared'] as const;
export type AttentionWay = (typeof ATTENTION_WAYS)[number];

/** How attention over some number of keys runs. */
export interface AttentionPlan {
  readonly way: AttentionWay;
  /** Splits, of which the last may be shorter. */
  readonly count: number;
  /** Keys of a split, whole tiles. */
  readonly keys: number;
}

/** A function of shapes, choice and the number of keys alone, as the order of sums has to be. */
export function attentionPlan(
  { headDim }: Pick<HParams, 'headDim'>,
  { sharedFrom, splits }: AttentionChoice,
  nKeys: number,
): AttentionPlan {
  if (nKeys >= sharedFrom && canShare(headDim)) return { way: 'shared', ...cut(nKeys, splits) };
  if (nKeys <= WHOLE_KEYS) return { way: 'whole', count: 1, keys: WHOLE_KEYS };
  return { way: 'split', ...cut(nKeys, HEAD_SPLITS) };
}

/** The ways that plans up to `nKeys` keys take. */
export function waysUpTo(hparams: Pick<HParams, 'headDim'>, choice: AttentionChoice, nKeys: number): AttentionWay[] {
  const turns = [1, WHOLE_KEYS + 1, choice.sharedFrom].filter((keys) => keys <= nKeys);
  return [...new Set(turns.map((keys) => attentionPlan(hparams, choice, keys).way))];
}

/** The kernel of a way, specialised, and the width of its grid, whose height are the splits. */
export function attentionKernel(
  hparams: Pick<HParams, 'nHead' | 'nHeadKv' | 'headDim'>,
  way: AttentionWay,
): { readonly kernel: 'attention' | 'attentionShared'; readonly variant: KernelVariant; readonly width: number } {
  const { nHead, nHeadKv, headDim } = hparams;
  if (way !== 'shared') {
    const variant = { id: `heads of ${headDim}`, constants: { HEAD_DIM: headDim } };
    return { kernel: 'attention', variant, width: nHead };
  }
  const { heads, pieces } = sharedHeads(hparams);
  const variant = { id: `${heads} heads of ${headDim}`, constants: { HEAD_DIM: headDim, HEADS: heads } };
  return { kernel: 'attentionShared', variant, width: nHeadKv * pieces };
}

/** How attention_join.wgsl is specialised for a way that is split. */
export function joinVariant(way: AttentionWay, choice: AttentionChoice): KernelVariant {
  const splits = way === 'shared' ? choice.splits : HEAD_SPLITS;
  return { id: `${splits} splits`, constants: { MOST_SPLITS: splits } };
}

/** Heads of one key-value head that a workgroup takes together, and the pieces that its heads are cut into. */
function sharedHeads({ nHead, nHeadKv, headDim }: Pick<HParams, 'nHead' | 'nHeadKv' | 'headDim'>): {
  readonly heads: number;
  readonly pieces: number;
} {
  const perKv = nHead / nHeadKv;
  const most = Math.max(1, Math.min(SHARED_HEADS, Math.floor(SHARED_CHANNELS / headDim)));
  const heads = Math.ceil(perKv / Math.ceil(perKv / most));
  return { heads, pieces: Math.ceil(perKv / heads) };
}

/** The shared kernel turns columns of four channels, two at a time. */
function canShare(headDim: number): boolean {
  return headDim % 8 === 0;
}

function cut(nKeys: number, most: number): { readonly count: number; readonly keys: number } {
  const tiles = Math.ceil(nKeys / TILE_KEYS);
  const each = Math.ceil(tiles / most);
  return { count: Math.ceil(tiles / each), keys: each * TILE_KEYS };
}
