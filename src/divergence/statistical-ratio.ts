import { additions, gamma, HALF_UNIT, PRODUCT_ROUNDINGS, type SumOrder } from '../base/f32-error';

/**
 * A product's error over sqrt(n) 2^-24 sum |w x|: what n independent roundings to nearest make of it, from its error over the worst-case
 * bound. The bound is gamma_{a+6} sum |w x|, a the additions of its order of sums, and a little more (the capture's own rounding, flushes: below 1 % where nothing is subnormal), so
 * that this is never above the true figure. Information, no verdict: roundings need not be independent.
 * @param ratio largest error / bound of the stage; the factor is the same for all its elements @param n terms of one sum
 */
export function statisticalRatio(ratio: number, n: number, order: SumOrder = 'any'): number {
  return (ratio * gamma(additions(n, order) + PRODUCT_ROUNDINGS)) / (Math.sqrt(n) * HALF_UNIT);
}
