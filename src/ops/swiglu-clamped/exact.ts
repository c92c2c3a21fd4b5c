import type { OpAttrs } from '../../arch/operations';

/** Steepness of the gate, and where both factors are cut off. */
export type Clamp = OpAttrs['swiglu-clamped'];

/** Both factors, cut off: the gate above, `up` on either side. */
export function cutOff(gate: number, up: number, { limit }: Clamp): { readonly g: number; readonly u: number } {
  return { g: Math.min(gate, limit), u: Math.min(limit, Math.max(-limit, up)) };
}

/** g sigmoid(alpha g) (u + 1) with g = min(gate, limit), u = up held within -limit and limit. ggml: `ggml_swiglu_oai`. NaN stays NaN. */
export function swigluClamped(gate: Float64Array, up: Float64Array, clamp: Clamp): Float64Array<ArrayBuffer> {
  return Float64Array.from(gate, (raw, i) => {
    const { g, u } = cutOff(raw, up[i]!, clamp);
    return (g / (1 + Math.exp(-clamp.alpha * g))) * (u + 1);
  });
}
