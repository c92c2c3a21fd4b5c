import type { WeightType } from './define-type';
import { bf16 } from './bf16/type';
import { f16 } from './f16/type';
import { f32 } from './f32/type';
import { iq1_m } from './iq1_m/type';
import { iq1_s } from './iq1_s/type';
import { iq2_s } from './iq2_s/type';
import { iq2_xs } from './iq2_xs/type';
import { iq2_xxs } from './iq2_xxs/type';
import { iq3_s } from './iq3_s/type';
import { iq3_xxs } from './iq3_xxs/type';
import { iq4_nl } from './iq4_nl/type';
import { iq4_xs } from './iq4_xs/type';
import { mxfp4 } from './mxfp4/type';
import { nvfp4 } from './nvfp4/type';
import { q1_0 } from './q1_0/type';
import { q2_0 } from './q2_0/type';
import { q2_k } from './q2_k/type';
import { q3_k } from './q3_k/type';
import { q4_0 } from './q4_0/type';
import { q4_1 } from './q4_1/type';
import { q4_k } from './q4_k/type';
import { q5_0 } from './q5_0/type';
import { q5_1 } from './q5_1/type';
import { q5_k } from './q5_k/type';
import { q6_k } from './q6_k/type';
import { q8_0 } from './q8_0/type';
import { tq1_0 } from './tq1_0/type';
import { tq2_0 } from './tq2_0/type';

/** THE WEIGHT TYPES that every engine runs, by ggml's number. Whatever is said of types elsewhere derives from this list. */
// prettier-ignore
export const TYPES = [
  f32, f16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k,
  iq2_xxs, iq2_xs, iq3_xxs, iq1_s, iq4_nl, iq3_s, iq2_s, iq4_xs, iq1_m,
  bf16, tq1_0, tq2_0, mxfp4, nvfp4, q1_0, q2_0,
] as const;

/** Name of a weight type. */
export type QuantType = (typeof TYPES)[number]['name'];

const BY_NAME: ReadonlyMap<string, WeightType<QuantType>> = new Map(TYPES.map((type) => [type.name, type]));

/** The weight type of this name. */
export function typeOf(name: QuantType): WeightType<QuantType> {
  const type = BY_NAME.get(name);
  if (type === undefined) throw new RangeError(`no weight type ${name}`);
  return type;
}

/** Narrows a type name to one that every engine runs. */
export function isQuantType(name: string): name is QuantType {
  return BY_NAME.has(name);
}

/** Names of all weight types. */
export const QUANT_TYPES: readonly QuantType[] = TYPES.map((type) => type.name);
