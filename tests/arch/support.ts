import type { Architecture } from '../../src/arch/define-arch';
import type { ModelGraph } from '../../src/arch/graph';
import { withDefaults } from '../../src/arch/keys';
import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import { memorySource } from '../../src/gguf/memory-source';
import { namedShape } from '../../src/synthetic/shapes';
import { makeModel, type ModelRecipe } from '../support/gguf-models';

/** A small seeded qwen3moe model in memory. */
export function memoryModel(recipe: ModelRecipe = {}): Promise<ModelFile> {
  return openModel([memorySource(makeModel(recipe), 'test.gguf')]);
}

/** A small model's graph: every key at its default or at a small value. */
export function exampleGraph(arch: Architecture): ModelGraph {
  const { theta: ropeTheta, eps: rmsEps, ...shape } = namedShape('tiny');
  const values: Record<string, number> = { ropeTheta, rmsEps, nFf: 96 };
  for (const [name, value] of Object.entries(shape)) if (typeof value === 'number') values[name] = value;
  return arch.graph(
    arch.sizes(withDefaults(arch.keys, values), (message) => {
      throw new Error(message);
    }),
  );
}
