import type { Architecture } from '../arch/define-arch';
import type { ModelGraph } from '../arch/graph';
import { withDefaults } from '../arch/keys';
import { qwen3moe } from '../arch/qwen3moe';
import type { ModelRecipe } from './recipe';

/** The architecture of synthetic models. */
export const RECIPE_ARCH: Architecture = qwen3moe;

/** The values of the architecture's keys for a recipe, and nVocab. */
export function recipeSizes(recipe: ModelRecipe): Readonly<Record<string, number>> {
  const { shape } = recipe;
  // What a recipe does not say follows from the rest, as in a file without the key.
  return withDefaults(RECIPE_ARCH.keys, {
    ...shape,
    nCtxTrain: recipe.nCtxTrain ?? 4096,
    rmsEps: recipe.eps ?? 1e-6,
    ropeTheta: recipe.theta ?? 1e6,
  });
}

/** The forward pass of a recipe's model, whether or not it can run. */
export function recipeGraph(recipe: ModelRecipe): ModelGraph {
  const sizes = recipeSizes(recipe);
  const { nHead = NaN, nHeadKv = NaN, headDim = NaN } = sizes;
  return RECIPE_ARCH.graph({ ...sizes, qDim: nHead * headDim, kvDim: nHeadKv * headDim });
}
