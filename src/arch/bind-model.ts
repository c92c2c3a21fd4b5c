import type { ModelFile } from '../gguf/model-file';
import { architectureOf } from './architectures';
import { bindGraph, type BoundGraph } from './bind';

/**
 * The forward pass of a file and the weights that it has for it.
 * @throws TracerError `gguf-architecture`, those of reading sizes and of {@link bindGraph}
 */
export function bindModel(model: ModelFile): BoundGraph {
  const arch = architectureOf(model);
  return bindGraph(arch.graph(arch.readSizes(model)), model, arch.title);
}
