import { choice, optionalReal, optionalSize } from './keys';
import type { RopeScaling } from './operations';

const NONE = 0;
const LINEAR = 1;
const YARN = 2;

/** The keys of scaled rotary embedding, after that of `nCtxTrain`; llama.cpp reads them for every architecture. */
export const ROPE_SCALING_KEYS = {
  ropeScaling: choice('rope.scaling.type', { none: NONE, linear: LINEAR, yarn: YARN }, 'linear'),
  ropeFactor: optionalReal('rope.scaling.factor', 1, 'rope.scale_linear'),
  ropeContext: optionalSize('rope.scaling.original_context_length', 'nCtxTrain'),
  ropeAttnFactor: optionalReal('rope.scaling.attn_factor', 1),
} as const;

/** What these keys ask of a rotation; undefined where they leave it as it is. */
export function ropeScaling(sizes: { readonly [K in keyof typeof ROPE_SCALING_KEYS]: number }):
  RopeScaling | undefined {
  const { ropeScaling: type, ropeContext: originalContext, ropeAttnFactor: attnFactor } = sizes;
  const factor = type === NONE ? 1 : sizes.ropeFactor;
  if (factor === 1 && attnFactor === 1) return undefined;
  return type === YARN ? { kind: 'yarn', factor, attnFactor, originalContext } : { kind: 'linear', factor, attnFactor };
}
