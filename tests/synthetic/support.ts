import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes } from '../../src/gguf/writer';
import { makeRecipe, type ModelWish } from '../../src/synthetic/make-recipe';
import { modelToWrite } from '../../src/synthetic/model-to-write';
import type { ModelRecipe } from '../../src/synthetic/recipe';

/** The recipe of a wish; what is not given is a tiny Q4_K_M of seed 1. */
export function recipeOf(wish: Partial<ModelWish> = {}): ModelRecipe {
  return makeRecipe({ shape: 'tiny', type: 'Q4_K_M', seed: 1, tied: false, sizes: {}, ...wish });
}

/** A model made in memory and opened. */
export function openMade(wish: Partial<ModelWish> = {}): Promise<ModelFile> {
  return openModel([memorySource(ggufBytes(modelToWrite(recipeOf(wish))), 'made.gguf')]);
}
