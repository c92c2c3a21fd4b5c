import { fail } from '../base/errors';
import type { ModelFile } from '../gguf/model-file';
import type { Architecture } from './define-arch';
import { olmoe } from './olmoe';
import { qwen3moe } from './qwen3moe';
import { qwen3vlmoe } from './qwen3vlmoe';

/** THE ARCHITECTURES that run. */
export const ARCHITECTURES: readonly Architecture[] = [qwen3moe, qwen3vlmoe, olmoe];

/** The architecture of a file. @throws TracerError `gguf-architecture` where it does not run. */
export function architectureOf(model: ModelFile): Architecture {
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
