import { checkExperts, checkHeads } from './checks';
import { optionalSize, real, size, type Contradict } from './keys';
import { ROPE_SCALING_KEYS } from './rope-scaling';

/** The keys of a model with attention and experts in every layer. */
export const MOE_KEYS = {
  nEmbd: size('embedding_length'),
  nHead: size('attention.head_count'),
  nHeadKv: size('attention.head_count_kv', 'nHead'),
  headDim: size('attention.key_length', ({ nEmbd = NaN, nHead = NaN }) => nEmbd / nHead),
  valueDim: size('attention.value_length', 'headDim'),
  nExpert: size('expert_count'),
  nExpertUsed: size('expert_used_count'),
  nLayer: size('block_count'),
  nFf: optionalSize('feed_forward_length', 0),
  nFfExp: optionalSize('expert_feed_forward_length', ({ nFf = NaN, nExpertUsed = NaN }) => nFf / nExpertUsed),
  nCtxTrain: size('context_length', 0),
  rmsEps: real('attention.layer_norm_rms_epsilon'),
  ropeTheta: real('rope.freq_base', 10_000),
  nRot: optionalSize('rope.dimension_count', 'headDim'),
  ...ROPE_SCALING_KEYS,
} as const;

interface Heads {
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
  readonly nRot: number;
}

/** Sizes that follow from {@link MOE_KEYS}. @param rotated `all` where llama.cpp refuses heads of which only some channels turn */
export function moeSizes<K extends Heads>(
  k: K,
  contradict: Contradict,
  rotated: 'all' | 'some',
): K & { readonly qDim: number; readonly kvDim: number } {
  checkHeads(k, contradict);
  checkExperts(k, contradict);
  if (!Number.isInteger(k.nFfExp) || k.nFfExp < 1) {
    contradict(`The hidden size of an expert is ${k.nFfExp}.`, 'nFfExp', 'a whole number');
  }
  if (k.nRot % 2 !== 0 || k.nRot > k.headDim || (rotated === 'all' && k.nRot !== k.headDim)) {
    const expected = rotated === 'all' ? `${k.headDim}` : `an even number up to ${k.headDim}`;
    contradict(`${k.nRot} of the ${k.headDim} channels of a head are to turn.`, 'nRot', expected);
  }
  return { ...k, qDim: k.nHead * k.headDim, kvDim: k.nHeadKv * k.headDim };
}
