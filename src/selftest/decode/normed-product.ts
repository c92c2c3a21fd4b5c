import { gamma, PRODUCT_ROUNDINGS, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, FLUSH, TINY } from '../../ops/rounding';
import { minima, type WeightRows } from '../weight-rows';

/** A value and how far an honest kernel may be from it. */
export interface Erring {
  readonly value: number;
  readonly bound: number;
}

/** The sum of x times its quants and that of x times its minimum, their difference, and x made ready: beyond a product's usual roundings. */
const OWN_DOT_ROUNDINGS = 3;
/** 1 / sqrt: as in src/ops/rmsnorm/bound.ts. */
const INVERSE_SQRT = 8 * UNIT;
/**
 * Largest power of two by which fusions/lib/small_floats.wgsl makes x smaller before it meets a quant that is as much larger (256 for odd
 * bytes, 16 for high nibbles): what is flushed there counts that much more.
 */
const SMALLEST_X = 2 ** 12;

/** The scale of an RMSNorm, from sums of squares of parts. */
export interface NormScale {
  readonly value: number;
  /** Relative error. */
  readonly error: number;
}

/**
 * 1 / sqrt(sum of parts / nIn + eps), parts and eps f32 as the kernel is fed them: positive terms, so the argument errs by a relative
 * gamma_{count+1}, the division and the addition, and its inverse square root by e (1 + e) / 2 and its own ULPs.
 */
export function normScale(parts: ArrayLike<number>, nIn: number, eps: number): NormScale {
  const sum = Array.from(parts).reduce((all, part) => all + part, 0);
  const argument = sum / nIn + eps;
  const e = compose(gamma(parts.length + 1), DIVISION, UNIT, (4 * FLUSH) / argument);
  return { value: 1 / Math.sqrt(argument), error: compose((e * (1 + e)) / 2, INVERSE_SQRT) };
}

/**
 * Rows of a matrix times a vector, as the decode kernels compute them: quants and minima may meet x apart (docs/numerics.md, assumption 1), so
 * the magnitude is that of both parts, sum (|w| + 2 |m|) |x|.
 * @param roundings of an element of x before it meets the weight
 */
export function rowMaker(matrix: WeightRows, roundings = 0) {
  const least = minima(matrix);
  const { values, nIn } = matrix;
  const count = nIn + PRODUCT_ROUNDINGS + OWN_DOT_ROUNDINGS + roundings;
  return (row: number, x: ArrayLike<number>, scale: NormScale = { value: 1, error: 0 }): Erring => {
    let value = 0;
    let magnitude = 0;
    for (let k = 0; k < nIn; k++) {
      const at = row * nIn + k;
      value += values[at]! * x[k]!;
      magnitude += (Math.abs(values[at]!) + 2 * Math.abs(least[at]!) + TINY) * (Math.abs(x[k]!) + SMALLEST_X * TINY);
    }
    const relative = compose(gamma(count), scale.error, UNIT);
    const flushes = 2 * count * FLUSH * (1 + scale.value);
    return {
      value: value * scale.value,
      bound: againstCapture(relative * magnitude * scale.value + flushes, value * scale.value),
    };
  };
}
