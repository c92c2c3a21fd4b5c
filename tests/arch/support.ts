import type { Architecture } from '../../src/arch/define-arch';
import type { ModelGraph, Sizes } from '../../src/arch/graph';
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

/** Two heads of values to one of keys, and a layer of each kind among two. */
const DELTA_NET = { nConv: 4, dInner: 128, dState: 32, nHeadV: 4, nHeadK: 2, attnInterval: 2 };

/** Sizes of architectures whose heads are not like others'. */
const OWN: Readonly<Record<string, Sizes>> = {
  deepseek2: { nHeadKv: 1, headDim: 96, valueDim: 64, kvRank: 64, nRot: 32, keyDim: 80, outDim: 40 },
};

/** A small model's graph: every key at its default, at a small value, or as `given`. */
export function exampleGraph(arch: Architecture, given: Sizes = {}): ModelGraph {
  const { theta: ropeTheta, eps: rmsEps, ...shape } = namedShape('tiny');
  const values: Record<string, number> = { ropeTheta, rmsEps, nFf: 96, ...DELTA_NET, ...arch.sample };
  for (const [name, value] of Object.entries(shape)) if (typeof value === 'number') values[name] = value;
  return arch.graph(
    arch.sizes(withDefaults(arch.keys, { ...values, ...OWN[arch.name], ...given }), (message) => {
      throw new Error(message);
    }),
  );
}
