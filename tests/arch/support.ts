import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import { memorySource } from '../../src/gguf/memory-source';
import { makeModel, type ModelRecipe } from '../support/gguf-models';

/** A small seeded qwen3moe model in memory. */
export function memoryModel(recipe: ModelRecipe = {}): Promise<ModelFile> {
  return openModel([memorySource(makeModel(recipe), 'test.gguf')]);
}
