import { bf16ToNumber, f16Bits, f16ToNumber, f32Bits } from '../../base/float';
import type { QuantType } from '../../gguf/ggml-types';
import type { ActivationRounding } from '../engine/weight-access';
import { roundToQ8_0, roundToQ8_K } from './q8';

type Rounding = (x: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;

/** What llama.cpp's CPU makes of the activations in front of a matrix of each type: `vec_dot_type` in ggml-cpu.c. */
const ROUNDINGS: Readonly<Record<QuantType, Rounding>> = {
  F32: (x) => x.map(Math.fround),
  F16: (x) => x.map((value) => f16ToNumber(f16Bits(value))),
  BF16: (x) => x.map((value) => bf16ToNumber(bf16Bits(value))),
  Q4_0: roundToQ8_0,
  Q4_1: roundToQ8_0,
  Q5_0: roundToQ8_0,
  Q5_1: roundToQ8_0,
  Q8_0: roundToQ8_0,
  IQ4_NL: roundToQ8_0,
  MXFP4: roundToQ8_0,
  Q2_K: roundToQ8_K,
  Q3_K: roundToQ8_K,
  Q4_K: roundToQ8_K,
  Q5_K: roundToQ8_K,
  Q6_K: roundToQ8_K,
  IQ4_XS: roundToQ8_K,
};

/** Activations as llama.cpp's CPU quantises them; the products that follow stay exact. */
export const ggmlActivations: ActivationRounding = (type, x) => ROUNDINGS[type](x);

/** bfloat16 nearest to `x`, ties to even: `ggml_compute_fp32_to_bf16`. */
function bf16Bits(x: number): number {
  const bits = f32Bits(x);
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 64;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
