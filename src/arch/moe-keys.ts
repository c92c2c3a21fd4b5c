import { checkExperts, checkHeads, checkRotation } from './checks';
import { optionalSize, real, size, type Contradict } from './keys';
import { ROPE_SCALING_KEYS } from './rope-scaling';

/** The keys of a model with attention in every layer. */
export const ATTENTION_KEYS = {
  nEmbd: size('embedding_length'),
  nHead: size('attention.head_count'),
  nHeadKv: size('attention.head_count_kv', 'nHead'),
  headDim: size('attention.key_length', ({ nEmbd = NaN, nHead = NaN }) => nEmbd / nHead),
  valueDim: size('attention.value_length', 'headDim'),
  nLayer: size('block_count'),
  nFf: optionalSize('feed_forward_length', 0),
  nCtxTrain: size('context_length', 0),
  rmsEps: real('attention.layer_norm_rms_epsilon'),
  ropeTheta: real('rope.freq_base', 10_000),
  nRot: optionalSize('rope.dimension_count', 'headDim'),
  ...ROPE_SCALING_KEYS,
} as const;

/** The keys of a model with attention and experts in every layer. */
export const MOE_KEYS = {
  ...ATTENTION_KEYS,
  nExpert: size('expert_count'),
  nExpertUsed: size('expert_used_count'),
  nFfExp: optionalSize('expert_feed_forward_length', ({ nFf = NaN, nExpertUsed = NaN }) => nFf / nExpertUsed),
} as const;

interface Heads {
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly nRot: number;
}

interface Experts {
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
}

type HeadSizes = Readonly<Record<'qDim' | 'kvDim', number>>;

/** Channels that turn: all of a head where llama.cpp refuses heads of which only some do. */
type Rotated = 'all' | 'some';

/** Sizes that follow from {@link MOE_KEYS}. */
export function moeSizes<K extends Heads & Experts>(k: K, contradict: Contradict, rotated: Rotated): K & HeadSizes {
  checkExperts(k, contradict);
  return attentionSizes(k, contradict, rotated);
}

/** Sizes of a model without experts, from {@link ATTENTION_KEYS}. */
export function denseSizes<K extends Heads & { readonly nFf: number }>(
  k: K,
  contradict: Contradict,
  rotated: Rotated,
): K & HeadSizes & Readonly<Record<keyof Experts, number>> {
  if (k.nFf < 1) contradict('The feed-forward block has no hidden size.', 'nFf', 'at least 1');
  return { ...attentionSizes(k, contradict, rotated), nExpert: 0, nExpertUsed: 0, nFfExp: 0 };
}

function attentionSizes<K extends Heads>(k: K, contradict: Contradict, rotated: Rotated): K & HeadSizes {
  checkHeads(k, contradict);
  checkRotation(k, contradict, rotated);
  return { ...k, qDim: k.nHead * k.headDim, kvDim: k.nHeadKv * k.headDim };
}
