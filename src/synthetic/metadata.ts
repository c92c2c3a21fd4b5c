import { FILE_TYPES } from '../gguf/file-type';
import type { TypedValue } from '../gguf/writer';
import type { ModelRecipe } from './recipe';
import { tokenizerMetadata } from './vocabulary';

/** The metadata of a synthetic model, tokenizer included. */
export function modelMetadata(recipe: ModelRecipe): readonly (readonly [string, TypedValue])[] {
  const { shape } = recipe;
  const sizes: readonly (readonly [string, number])[] = [
    ['block_count', shape.nLayer],
    ['context_length', recipe.nCtxTrain ?? 4096],
    ['embedding_length', shape.nEmbd],
    ['feed_forward_length', shape.nFfExp * shape.nExpertUsed],
    ['expert_feed_forward_length', shape.nFfExp],
    ['attention.head_count', shape.nHead],
    ['attention.head_count_kv', shape.nHeadKv],
    ['attention.key_length', shape.headDim],
    ['attention.value_length', shape.headDim],
    ['expert_count', shape.nExpert],
    ['expert_used_count', shape.nExpertUsed],
  ];
  const fileType = [...FILE_TYPES].find(([, name]) => name === recipe.fileType)?.[0];
  const optional: readonly (readonly [string, TypedValue])[] =
    fileType === undefined ? [] : [['general.file_type', { type: 'uint32', value: fileType }]];
  return [
    ['general.architecture', { type: 'string', value: 'qwen3moe' }],
    ['general.name', { type: 'string', value: recipe.name ?? 'synthetic qwen3moe' }],
    ...optional,
    ...sizes.map(([key, value]): [string, TypedValue] => [`qwen3moe.${key}`, { type: 'uint32', value }]),
    ['qwen3moe.rope.freq_base', { type: 'float32', value: recipe.theta ?? 1e6 }],
    ['qwen3moe.attention.layer_norm_rms_epsilon', { type: 'float32', value: recipe.eps ?? 1e-6 }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
    ...tokenizerMetadata(shape.nVocab, recipe.seed),
  ];
}
