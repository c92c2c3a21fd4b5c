import { roundToBf16, roundToF16 } from '../../base/float';
import type { WeightType } from '../../types/define-type';
import { typeOf, type QuantType } from '../../types/types';
import type { ActivationRounding } from '../engine/weight-access';
import { q8Doubt, q8SumDoubt, roundToQ8_0, roundToQ8_K } from '../../base/q8';

type Rounding = (x: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;

/** What llama.cpp's CPU can make of activations; each weight type names one. */
const ROUNDINGS: Readonly<Record<WeightType['activations'], Rounding>> = {
  f32: (x) => x.map(Math.fround),
  f16: (x) => x.map(roundToF16),
  bf16: (x) => x.map(roundToBf16),
  q8_0: roundToQ8_0,
  q8_K: roundToQ8_K,
};

/** Activations as llama.cpp's CPU quantises them; the products that follow stay exact. */
export const ggmlActivations: ActivationRounding = (type, x) => {
  const { activations } = typeOf(type);
  const known = rounded.get(x) ?? new Map<WeightType['activations'], Float64Array<ArrayBuffer>>();
  rounded.set(x, known);
  const found = known.get(activations) ?? ROUNDINGS[activations](x);
  known.set(activations, found);
  return found;
};

/** What was made of activations that meet several matrices. */
const rounded = new WeakMap<Float64Array, Map<WeightType['activations'], Float64Array<ArrayBuffer>>>();

/** Types whose minimum meets a block's sum, which Q8_1 keeps in f16. */
const MEETS_SUMS: ReadonlySet<QuantType> = new Set<QuantType>(['Q4_1', 'Q5_1']);

/** In place of activations, how far each may be from {@link ggmlActivations} in another build of llama.cpp. */
export const ggmlDoubt: ActivationRounding = (type, x) => {
  const { activations } = typeOf(type);
  if (activations !== 'q8_0' && activations !== 'q8_K') return new Float64Array(x.length);
  const doubt = q8Doubt(x, activations === 'q8_0' ? 32 : 256);
  if (!MEETS_SUMS.has(type)) return doubt;
  const ofSums = q8SumDoubt(roundToQ8_0(x));
  return doubt.map((value, i) => value + (ofSums[i] ?? NaN));
};

/**
 * Activations in blocks of Q8_1 in front of every quantised matrix, as GPU back ends of ggml multiply them; those in front of others as they are. A
 * block's sum, which only minima of weights meet, is taken as exact.
 */
export const q8BlockActivations: ActivationRounding = (type, x) =>
  typeOf(type).activations.startsWith('q8') ? roundToQ8_0(x) : x;

/** Types that activations may be rounded to whatever they are multiplied with. */
export type PlainRounding = 'f32' | 'f16' | 'bf16';

/** Activations rounded to nearest. */
export function roundedTo(type: PlainRounding, x: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return ROUNDINGS[type](x);
}
