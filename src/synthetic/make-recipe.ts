import { fail } from '../base/errors';
import type { ModelRecipe } from './recipe';
import { namedShape, type ModelShape, type ShapeName } from './shapes';
import { typePlan, type TypeName } from './type-mix';

/** What a person asks for: a named shape, a type or mix, and what shall differ from the shape. */
export interface ModelWish {
  readonly shape: ShapeName;
  readonly type: TypeName;
  readonly seed: number;
  readonly tied: boolean;
  readonly sizes: { readonly [K in keyof ModelShape]?: ModelShape[K] | undefined };
  readonly theta?: number | undefined;
  readonly eps?: number | undefined;
}

/** The recipe of a wish. @throws TracerError `usage` when its sizes contradict each other */
export function makeRecipe(wish: ModelWish): ModelRecipe {
  const { name, theta, eps, nCtxTrain, arch, own, ...base } = namedShape(wish.shape);
  const shape: ModelShape = {
    nLayer: wish.sizes.nLayer ?? base.nLayer,
    nEmbd: wish.sizes.nEmbd ?? base.nEmbd,
    nHead: wish.sizes.nHead ?? base.nHead,
    nHeadKv: wish.sizes.nHeadKv ?? base.nHeadKv,
    headDim: wish.sizes.headDim ?? base.headDim,
    nExpert: wish.sizes.nExpert ?? base.nExpert,
    nExpertUsed: wish.sizes.nExpertUsed ?? base.nExpertUsed,
    nFfExp: wish.sizes.nFfExp ?? base.nFfExp,
    nVocab: wish.sizes.nVocab ?? base.nVocab,
  };
  checkShape(shape);
  return {
    ...typePlan(wish.type, shape, wish.tied),
    shape,
    ...(arch === undefined ? {} : { arch }),
    ...(own === undefined ? {} : { own }),
    seed: wish.seed,
    tied: wish.tied,
    theta: wish.theta ?? theta,
    eps: wish.eps ?? eps,
    nCtxTrain,
    name: `synthetic ${name} ${wish.type} seed ${wish.seed}`,
    fileType: wish.type,
  };
}

/** @throws TracerError `usage`: what `readHParams` would refuse of the finished file */
function checkShape(shape: ModelShape): void {
  if (shape.nHead % shape.nHeadKv !== 0) {
    const message = `${shape.nHead} heads cannot share ${shape.nHeadKv} key-value heads evenly.`;
    throw fail('usage', message, 'Give --kv-heads a divisor of --heads.', {
      heads: shape.nHead,
      keyValueHeads: shape.nHeadKv,
    });
  }
  if (shape.nExpertUsed > shape.nExpert) {
    const message = `${shape.nExpertUsed} experts a token cannot be chosen of ${shape.nExpert}.`;
    throw fail('usage', message, 'Give --experts-used at most --experts.', {
      experts: shape.nExpert,
      used: shape.nExpertUsed,
    });
  }
  if (shape.headDim % 2 !== 0) {
    const message = `Head size ${shape.headDim} is odd; rotary embedding needs pairs.`;
    throw fail('usage', message, 'Give an even --head-dim.', { headDim: shape.headDim });
  }
}
