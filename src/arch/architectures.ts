import { fail } from '../base/errors';
import type { ModelFile } from '../gguf/model-file';
import type { Architecture } from './define-arch';
import { deepseek2 } from './deepseek2';
import { glm4moe } from './glm4moe';
import { minimaxM2 } from './minimax-m2';
import { gptOss } from './gpt-oss';
import { granitemoe } from './granitemoe';
import { llama } from './llama';
import { olmoe } from './olmoe';
import { qwen2moe } from './qwen2moe';
import { qwen3 } from './qwen3';
import { qwen35moe } from './qwen35moe';
import { qwen3moe } from './qwen3moe';
import { qwen3next } from './qwen3next';
import { qwen3vlmoe } from './qwen3vlmoe';

/** THE ARCHITECTURES that run. */
export const ARCHITECTURES: readonly Architecture[] = [
  qwen3moe,
  qwen3vlmoe,
  olmoe,
  qwen2moe,
  llama,
  granitemoe,
  gptOss,
  qwen35moe,
  qwen3next,
  glm4moe,
  minimaxM2,
  deepseek2,
  qwen3,
];

/** GGUF files that hold no language model: what `general.type` or `general.architecture` says of them. */
const NO_MODELS: readonly { readonly says: readonly string[]; readonly what: string; readonly remedy: string }[] = [
  {
    says: ['adapter'],
    what: 'an adapter (LoRA), not a model',
    remedy: 'Merge it into its base model with llama-export-lora, and open the result.',
  },
  {
    says: ['imatrix'],
    what: "an importance matrix: sums of a model's activations, made to quantise it with",
    remedy: 'Open the model itself.',
  },
  {
    says: ['mmproj', 'clip'],
    what: 'a projector of pictures or sound, not a language model',
    remedy: 'Open the GGUF of the language model that it belongs to.',
  },
];

/** The architecture of a file. @throws TracerError `gguf-architecture` where it does not run. */
export function architectureOf(model: ModelFile): Architecture {
  const kinds = [model.metadata.get('general.type'), model.metadata.get('general.architecture')];
  const noModel = NO_MODELS.find(({ says }) => says.some((word) => kinds.includes(word)));
  if (noModel !== undefined) {
    throw fail('gguf-architecture', `${model.name} is ${noModel.what}.`, noModel.remedy, { file: model.name });
  }
  const name = model.metadata.get('general.architecture');
  const found = ARCHITECTURES.find((arch) => arch.name === name);
  if (found !== undefined) return found;
  const actual = typeof name === 'string' ? name : '(none)';
  const expected = ARCHITECTURES.map((arch) => arch.name).join(', ');
  throw fail(
    'gguf-architecture',
    `${model.name} holds a model of architecture ${actual}; MoEscope runs ${expected}.`,
    `Drop a GGUF of one that runs, for example ${ARCHITECTURES.map((arch) => arch.example).join(', ')}.`,
    { key: 'general.architecture', expected, actual },
  );
}
