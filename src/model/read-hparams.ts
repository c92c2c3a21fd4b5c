import { architectureOf } from '../arch/architectures';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from './hparams';

/**
 * Reads the sizes and constants of a model from its metadata, as its architecture names them.
 * @throws TracerError `gguf-architecture` (one that does not run), `gguf-missing-key`, `gguf-missing-tensor`, `gguf-malformed` (a value
 * that is not a positive size, or sizes that contradict each other).
 */
export function readHParams(model: ModelFile): HParams {
  const arch = architectureOf(model);
  const sizes = arch.readSizes(model);
  return { ...sizes, arch: arch.name, tiedEmbeddings: !model.tensors.has('output.weight') };
}
