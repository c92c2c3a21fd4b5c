import type { ModelFile } from '../gguf/model-file';
import { architectureOf } from './architectures';
import { bindGraph, type BoundGraph } from './bind';
import type { ModelGraph } from './graph';

/**
 * The forward pass of a file and the weights that it has for it.
 * @param changed what is computed instead: mistakes on purpose
 * @throws TracerError `gguf-architecture`, those of reading sizes and of {@link bindGraph}
 */
export function bindModel(model: ModelFile, changed: (graph: ModelGraph) => ModelGraph = (graph) => graph): BoundGraph {
  const arch = architectureOf(model);
  return bindGraph(changed(arch.graph(arch.readSizes(model))), model, arch.title);
}
