import { seededRandom } from '../base/random';

/** What values a case is fed. */
export const INPUT_KINDS = ['normal', 'zero', 'one-hot', 'large', 'subnormal', 'minus-zero'] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

/** Size of `large` values: their squares and products with weights stay far below the largest f32. */
const LARGE = 1e4;
/** Size of `subnormal` values: below 2^-126, so that an adapter may flush them, and the bounds say so. */
const SUBNORMAL = 1e-40;

/** Seeded values of a kind, f32. */
export function inputValues(kind: InputKind, length: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const hot = random.below(Math.max(1, length));
  const make: Readonly<Record<InputKind, (i: number) => number>> = {
    normal: () => random.normal(),
    zero: () => 0,
    'one-hot': (i) => (i === hot ? 1 : 0),
    large: () => LARGE * random.normal(),
    subnormal: () => SUBNORMAL * random.normal(),
    'minus-zero': () => -0,
  };
  return Float32Array.from({ length }, (_, i) => make[kind](i));
}

/** f32 values in f64, for the reference implementations. */
export function wide(values: ArrayLike<number>): Float64Array<ArrayBuffer> {
  return Float64Array.from(values);
}
