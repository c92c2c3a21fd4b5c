import type { KeySpec } from '../arch/keys';
import { FILE_TYPES } from '../gguf/file-type';
import type { TypedValue } from '../gguf/writer';
import type { ModelRecipe } from './recipe';
import { recipeArch } from './recipe-graph';
import { tokenizerMetadata } from './vocabulary';

/** The metadata of a synthetic model, tokenizer included. */
export function modelMetadata(recipe: ModelRecipe): readonly (readonly [string, TypedValue])[] {
  const fileType = [...FILE_TYPES].find(([, name]) => name === recipe.fileType)?.[0];
  const { name: arch } = recipeArch(recipe);
  const sizes = new Map([...commonSizes(recipe), ...ownSizes(recipe)]);
  return [
    ['general.architecture', { type: 'string', value: arch }],
    ['general.name', { type: 'string', value: recipe.name ?? `synthetic ${arch}` }],
    ...(fileType === undefined ? [] : [['general.file_type', { type: 'uint32', value: fileType }] as const]),
    ...[...sizes].map(([key, value]) => [`${arch}.${key}`, value] as const),
    [`${arch}.rope.freq_base`, { type: 'float32', value: recipe.theta ?? 1e6 }],
    [`${arch}.attention.layer_norm_rms_epsilon`, { type: 'float32', value: recipe.eps ?? 1e-6 }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
    ...tokenizerMetadata(recipe.shape.nVocab, recipe.seed),
  ];
}

/** The keys that every architecture has, without its prefix; one that it has otherwise is among its own. */
function commonSizes(recipe: ModelRecipe): readonly (readonly [string, TypedValue])[] {
  const { shape, nCtxTrain = 4096 } = recipe;
  // Where an expert is as large as the feed-forward block, the key of the block says it.
  const isBlock = recipeArch(recipe).keys['nFfExp']?.key === 'feed_forward_length';
  const sizes: readonly (readonly [string, number])[] = [
    ['block_count', shape.nLayer],
    ['context_length', nCtxTrain],
    ['embedding_length', shape.nEmbd],
    ['feed_forward_length', isBlock ? shape.nFfExp : shape.nFfExp * shape.nExpertUsed],
    ['expert_feed_forward_length', shape.nFfExp],
    ['attention.head_count', shape.nHead],
    ['attention.head_count_kv', shape.nHeadKv],
    ['attention.key_length', shape.headDim],
    ['attention.value_length', shape.headDim],
    ['expert_count', shape.nExpert],
    ['expert_used_count', shape.nExpertUsed],
  ];
  // As files of dense models have them.
  const written = shape.nExpert > 0 ? sizes : sizes.filter(([key]) => !key.startsWith('expert_'));
  return written.map(([key, value]) => [key, { type: 'uint32', value }]);
}

/** The keys of sizes that only this architecture has. What a file tells by having a tensor has no key. */
function ownSizes(recipe: ModelRecipe): readonly (readonly [string, TypedValue])[] {
  const { name: arch, keys, otherKeys } = recipeArch(recipe);
  const own = Object.entries(recipe.own ?? {}).flatMap(([name, value]): (readonly [string, TypedValue])[] => {
    const spec = keys[name];
    if (spec === undefined) throw new RangeError(`${arch} has no size ${name}`);
    return spec.kind === 'tensor' ? [] : [[spec.key, keyValue(spec, value)]];
  });
  const nRot = recipe.own?.['nRot'] ?? recipe.shape.headDim;
  const sections = sectionsOf(nRot / 2);
  const given = Int32Array.from(sections);
  const isInterleaved = otherKeys.some(
    ({ key, isNeutral }) => key === 'rope.dimension_sections' && isNeutral(given, { nRot }),
  );
  if (!isInterleaved) return own;
  return [...own, ['rope.dimension_sections', { type: 'array', of: 'int32', value: sections }]];
}

/** A size as a file has it. @param value of a choice, the number of its word */
export function keyValue({ kind, words = {} }: KeySpec, value: number): TypedValue {
  if (kind === 'real') return { type: 'float32', value };
  if (kind !== 'choice') return { type: 'uint32', value };
  // Of several words the last is what converters write: 0 says that a file has no choice of its own.
  const word = Object.entries(words).findLast(([, number]) => number === value)?.[0] ?? '';
  if (word === 'true' || word === 'false') return { type: 'bool', value: word === 'true' };
  return /^\d+$/.test(word) ? { type: 'uint32', value: Number(word) } : { type: 'string', value: word };
}

/** Sections of interleaved rotary embedding that cover all pairs: they take turns. */
function sectionsOf(pairs: number): readonly number[] {
  return [...[0, 1, 2].map((axis) => Math.ceil((pairs - axis) / 3)), 0];
}
