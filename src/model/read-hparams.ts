import { fail } from '../base/errors';
import type { GgufValue, ModelFile } from '../gguf/model-file';
import type { HParams } from './hparams';

/** Largest value that a size in the metadata may have: above it a file is hostile or broken, not large. */
const MAX_SIZE = 2 ** 31 - 1;

/**
 * Reads the sizes and constants of a Qwen3-MoE model from its metadata.
 * @throws TracerError `gguf-architecture` (not qwen3moe), `gguf-missing-key`, `gguf-malformed` (a value that is not a positive size, or
 * sizes that contradict each other).
 */
export function readHParams(model: ModelFile): HParams {
  const arch = model.metadata.get('general.architecture');
  if (arch !== 'qwen3moe') {
    const actual = typeof arch === 'string' ? arch : '(none)';
    throw fail(
      'gguf-architecture',
      `${model.name} holds a model of architecture ${actual}; MoEscope runs qwen3moe.`,
      'Drop a Qwen3-MoE GGUF, for example Qwen3-30B-A3B or Qwen3-Coder-30B-A3B.',
      { key: 'general.architecture', expected: 'qwen3moe', actual },
    );
  }
  const key = (name: string): string => `${arch}.${name}`;
  const size = (name: string): number => positiveSize(key(name), model.metadata.get(key(name)));
  const optionalSize = (name: string, otherwise: number): number =>
    model.metadata.has(key(name)) ? size(name) : otherwise;

  const nEmbd = size('embedding_length');
  const nHead = size('attention.head_count');
  const nHeadKv = optionalSize('attention.head_count_kv', nHead);
  const headDim = size('attention.key_length');
  const valueLength = optionalSize('attention.value_length', headDim);
  const nExpert = size('expert_count');
  const nExpertUsed = size('expert_used_count');

  const contradict = (message: string, name: string, expected: string, actual: number): never => {
    throw fail(
      'gguf-malformed',
      message,
      'The metadata of this file is not that of a Qwen3-MoE model. Convert it again.',
      {
        key: key(name),
        expected,
        actual,
      },
    );
  };
  if (valueLength !== headDim) {
    contradict(
      `Keys have ${headDim} channels and values ${valueLength}; Qwen3-MoE has them equal.`,
      'attention.value_length',
      `${headDim}`,
      valueLength,
    );
  }
  if (headDim % 2 !== 0)
    contradict(`Head size ${headDim} is odd; rotary embedding needs pairs.`, 'attention.key_length', 'even', headDim);
  if (nHead % nHeadKv !== 0) {
    contradict(
      `${nHead} heads cannot share ${nHeadKv} key-value heads evenly.`,
      'attention.head_count_kv',
      `a divisor of ${nHead}`,
      nHeadKv,
    );
  }
  if (nExpertUsed > nExpert) {
    contradict(
      `${nExpertUsed} experts a token out of ${nExpert}.`,
      'expert_used_count',
      `at most ${nExpert}`,
      nExpertUsed,
    );
  }

  const tokenEmbd = model.tensors.get('token_embd.weight');
  if (tokenEmbd?.dims[1] === undefined) {
    throw fail(
      'gguf-missing-tensor',
      `Tensor token_embd.weight is missing from ${model.name}, or is not a matrix.`,
      'The file is incomplete (a vocabulary-only file, or one part of a split model). Drop the whole model.',
      { tensor: 'token_embd.weight' },
    );
  }
  return {
    arch,
    nLayer: size('block_count'),
    nEmbd,
    nHead,
    nHeadKv,
    headDim,
    nExpert,
    nExpertUsed,
    nFfExp: size('expert_feed_forward_length'),
    nVocab: tokenEmbd.dims[1],
    nCtxTrain: optionalSize('context_length', 0),
    rmsEps: positiveReal(
      key('attention.layer_norm_rms_epsilon'),
      model.metadata.get(key('attention.layer_norm_rms_epsilon')),
    ),
    ropeTheta: model.metadata.has(key('rope.freq_base'))
      ? positiveReal(key('rope.freq_base'), model.metadata.get(key('rope.freq_base')))
      : DEFAULT_ROPE_THETA,
    qDim: nHead * headDim,
    kvDim: nHeadKv * headDim,
    tiedEmbeddings: !model.tensors.has('output.weight'),
  };
}

/** llama.cpp's value where a file has no `rope.freq_base`. */
const DEFAULT_ROPE_THETA = 10000;

function positiveSize(key: string, value: GgufValue | undefined): number {
  if (value === undefined) throw missing(key);
  const n = typeof value === 'bigint' ? Number(value) : value;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > MAX_SIZE) {
    throw fail(
      'gguf-malformed',
      `Metadata key ${key} is ${describe(value)}; expected a whole number from 1 to ${MAX_SIZE}.`,
      'Convert the model again.',
      {
        key,
        actual: describe(value),
        limit: MAX_SIZE,
      },
    );
  }
  return n;
}

function positiveReal(key: string, value: GgufValue | undefined): number {
  if (value === undefined) throw missing(key);
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw fail(
      'gguf-malformed',
      `Metadata key ${key} is ${describe(value)}; expected a positive number.`,
      'Convert the model again.',
      {
        key,
        actual: describe(value),
      },
    );
  }
  return value;
}

function missing(key: string): Error {
  return fail(
    'gguf-missing-key',
    `Metadata key ${key} is missing.`,
    'The file is not a complete Qwen3-MoE export. Convert it again.',
    { key },
  );
}

function describe(value: GgufValue): string {
  return typeof value === 'object' ? `an array of ${value.length}` : String(value);
}
