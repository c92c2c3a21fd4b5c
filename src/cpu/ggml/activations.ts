import { bf16ToNumber, f16Bits, f16ToNumber, f32Bits } from '../../base/float';
import type { WeightType } from '../../types/define-type';
import { typeOf } from '../../types/types';
import type { ActivationRounding } from '../engine/weight-access';
import { roundToQ8_0, roundToQ8_K } from './q8';

type Rounding = (x: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;

/** What llama.cpp's CPU can make of activations; each weight type names one. */
const ROUNDINGS: Readonly<Record<WeightType['activations'], Rounding>> = {
  f32: (x) => x.map(Math.fround),
  f16: (x) => x.map((value) => f16ToNumber(f16Bits(value))),
  bf16: (x) => x.map((value) => bf16ToNumber(bf16Bits(value))),
  q8_0: roundToQ8_0,
  q8_K: roundToQ8_K,
};

/** Activations as llama.cpp's CPU quantises them; the products that follow stay exact. */
export const ggmlActivations: ActivationRounding = (type, x) => ROUNDINGS[typeOf(type).activations](x);

/** bfloat16 nearest to `x`, ties to even: `ggml_compute_fp32_to_bf16`. */
function bf16Bits(x: number): number {
  const bits = f32Bits(x);
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 64;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
