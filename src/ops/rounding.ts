import { HALF_UNIT, UNIT } from '../base/f32-error';

/**
 * The rounding model of docs/numerics.md: what WGSL promises of f32 arithmetic. Every bound is built from these.
 */

/** Smallest normal f32: what a flush of a subnormal input or result to zero can cost. */
export const FLUSH = 2 ** -126;
/** WGSL: division errs by at most 2.5 ULP. */
export const DIVISION = 2.5 * UNIT;
/**
 * Added to |w| and |x| before magnitudes are summed, so that one sum also covers flushed inputs: gamma_k times the extra
 * FLUSH / gamma_k * |w| is the FLUSH * |w| that a flushed x costs. gamma_k is at least 2^-23.
 */
export const TINY = FLUSH / UNIT;

/** Largest relative error of a product of factors that err by at most these: prod (1 + e_i) - 1. */
export function compose(...errors: readonly number[]): number {
  return errors.reduce((product, e) => product * (1 + e), 1) - 1;
}

/** WGSL: exp(x) errs by at most 3 + 2 |x| ULP. */
export function expError(x: number): number {
  return (3 + 2 * Math.abs(x)) * UNIT;
}

/** Error of reading `x` as f32: rounded to nearest, and perhaps flushed. */
export function inputError(x: number): number {
  return HALF_UNIT * Math.abs(x) + FLUSH;
}

/** A bound on |kernel - exact| made one on |kernel - capture|: the capture is the exact value rounded to f32. Never NaN: Infinity says nothing is promised. */
export function againstCapture(bound: number, exact: number): number {
  const total = bound + inputError(exact);
  return Number.isNaN(total) ? Infinity : total;
}
