import { ARCHITECTURES } from '../arch/architectures';
import type { Architecture } from '../arch/define-arch';
import type { ModelGraph } from '../arch/graph';
import { withDefaults, type Contradict } from '../arch/keys';
import { qwen3moe } from '../arch/qwen3moe';
import type { ModelRecipe } from './recipe';

/** The architecture of a synthetic model. @throws RangeError where there is none of its name */
export function recipeArch({ arch = qwen3moe.name }: Pick<ModelRecipe, 'arch'>): Architecture {
  const found = ARCHITECTURES.find(({ name }) => name === arch);
  if (found === undefined) throw new RangeError(`no architecture ${arch}`);
  return found;
}

/** The values of the architecture's keys for a recipe, and nVocab. */
export function recipeSizes(recipe: ModelRecipe): Readonly<Record<string, number>> {
  const { shape } = recipe;
  // What a recipe does not say follows from the rest, as in a file without the key.
  return withDefaults(recipeArch(recipe).keys, {
    ...shape,
    ...recipe.own,
    nCtxTrain: recipe.nCtxTrain ?? 4096,
    rmsEps: recipe.eps ?? 1e-6,
    ropeTheta: recipe.theta ?? 1e6,
  });
}

/** The forward pass of a recipe's model, whether or not it can run. */
export function recipeGraph(recipe: ModelRecipe): ModelGraph {
  const arch = recipeArch(recipe);
  const goesOn = (() => undefined) as unknown as Contradict;
  return arch.graph(arch.sizes(recipeSizes(recipe), goesOn));
}
