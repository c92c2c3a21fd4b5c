import type { GgufValue } from '../gguf/model-file';

/** A key that an architecture's sizes do not come from. */
export interface OtherKey {
  /** Without the architecture's prefix. */
  readonly key: string;
  /** Whether this value changes nothing. */
  readonly isNeutral: (value: GgufValue, sizes: Readonly<Record<string, number>>) => boolean;
  /**
   * What becomes of a value that does: `ignored` runs as llama.cpp runs it, which does not read the key either, and is told; `refused` is the
   * business of an operation that is not computed.
   */
  readonly otherwise: 'ignored' | 'refused';
  /** What the key asks for. */
  readonly what: string;
}

/** A tensor that no weight of the graph is, and that changes the model. */
export interface OtherTensor {
  /** Names without block and suffix. */
  readonly pattern: RegExp;
  readonly what: string;
}

const oneOf =
  (...values: readonly (number | boolean | string)[]) =>
  (value: GgufValue): boolean =>
    typeof value === 'object'
      ? [...value].every((one) => values.some((neutral) => neutral === one))
      : values.some((neutral) => neutral === (typeof value === 'bigint' ? Number(value) : value));

const always = (): boolean => true;

/** A key that changes nothing, whatever it says. */
export function neutral(key: string): OtherKey {
  return { key, isNeutral: always, otherwise: 'ignored', what: '' };
}

export function refused(key: string, what: string, ...harmless: readonly (number | boolean | string)[]): OtherKey {
  return { key, isNeutral: oneOf(...harmless), otherwise: 'refused', what };
}

export function ignored(key: string, what: string, ...harmless: readonly (number | boolean | string)[]): OtherKey {
  return { key, isNeutral: oneOf(...harmless), otherwise: 'ignored', what };
}

/**
 * Keys that occur in files of every architecture. An architecture that computes one of them has it among its own; of two rows for a key the
 * architecture's counts. Values that are neutral are those that converters write.
 */
export const COMMON_KEYS: readonly OtherKey[] = [
  neutral('context_length'),
  neutral('feed_forward_length'),
  neutral('vocab_size'),
  neutral('tensor_data_layout'),
  neutral('rope.scaling.finetuned'),
  neutral('expert_group_used_count'),
  refused('attention.causal', 'attention to later positions', true),
  refused('attention.scale', 'a scale of attention of its own', 0),
  refused('attention.max_alibi_bias', 'ALiBi', 0),
  refused('attention.clamp_kqv', 'clamped queries, keys and values', 0),
  refused('attn_logit_softcapping', 'soft caps of scores', 0),
  refused('final_logit_softcapping', 'soft caps of logits', 0),
  refused('logit_scale', 'scaled logits', 0, 1),
  refused('embedding_scale', 'scaled embeddings', 0, 1),
  refused('residual_scale', 'scaled residuals', 0, 1),
  refused('expert_gating_func', 'a router other than softmax', 0, 1),
  refused('expert_group_count', 'groups of experts', 0, 1),
  refused('expert_shared_count', 'shared experts', 0),
  refused('expert_shared_feed_forward_length', 'shared experts', 0),
  refused('leading_dense_block_count', 'leading dense layers', 0),
  refused('nextn_predict_layers', 'layers of multi-token prediction', 0),
  // The graphs of architectures without windows do not read it.
  ignored('attention.sliding_window', 'a sliding window', 0),
  ignored('attention.sliding_window_pattern', 'a sliding window', 0),
  ignored('expert_weights_scale', "a scale of the experts' weights", 0, 1),
  ignored('expert_weights_norm', "experts' weights that are not renormalised", true),
  ignored('norm_top_k_prob', "experts' weights that are not renormalised", true),
  // Converters write them; llama.cpp takes its own 32, 1, 1 and 1 all the same.
  ignored('rope.scaling.yarn_beta_fast', 'a YaRN corner of its own', 32),
  ignored('rope.scaling.yarn_beta_slow', 'a YaRN corner of its own', 1),
  ignored('rope.scaling.yarn_ext_factor', 'a YaRN mix of its own', 1, -1),
  ignored('rope.scaling.yarn_attn_factor', 'a YaRN magnitude of its own', 1),
  ignored('rope.scaling.yarn_log_multiplier', 'a YaRN magnitude of its own', 0),
];

/** Tensors that change a model of whatever architecture does not have them. */
export const COMMON_TENSORS: readonly OtherTensor[] = [
  { pattern: /^rope_freqs$|^rope_factors_(?:long|short)$|^attn_rot_embd$/, what: 'rotary frequencies of its own' },
  { pattern: /_shexp$|^ffn_gate_inp_shexp$/, what: 'shared experts' },
  { pattern: /^exp_probs_b$/, what: "a bias of the experts' selection" },
  { pattern: /^attn_sinks$/, what: 'attention sinks' },
  {
    pattern: /^(?:attn|ffn|layer_out|post_attention|post_ffw).*norm(?:_\d)?$/,
    what: 'a norm that this architecture does not have',
  },
  { pattern: /^ffn_(?:gate|up|down)$/, what: 'a dense feed-forward block' },
];
