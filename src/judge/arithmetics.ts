import { gamma, PRODUCT_ROUNDINGS } from '../base/f32-error';

/*
 * THE ARITHMETICS that an engine may compute sums of products in, the most exact first. Each has a bound on what an honest engine errs by; the
 * judge names the most exact one that explains all layers.
 *
 * A bound is given as the excess E over f32's: |error| <= bound_f32 + E sum |w x|. The reference's bound of a sum of n products is
 * gamma_{n+6} sum |w x| (`docs/numerics.md`), so that the bound of another arithmetic is 1 + E / gamma_{n+6} times as large.
 */

export interface Arithmetic {
  readonly id: string;
  /** A clause for the sentence. */
  readonly title: string;
  /** E for sums of n products; undefined where the arithmetic is emulated instead, and held to f32's bound. */
  readonly excess: ((n: number) => number) | undefined;
}

/** Half a step of a significand of so many bits, relative: rounding to nearest. */
const half = (bits: number): number => 2 ** -bits;
/** Both operands rounded, each by u: (1 + u)(1 + v) - 1. */
const both = (u: number, v = u): number => u + v + u * v;

const F16 = half(11);
/**
 * Weights that are dequantised in f16 round scale times code and the block's minimum apart, so that their error is of the parts' sizes, not of their
 * difference's. CHOSEN: the parts are at most twice the weight on average (measured 1.26 of the bound without it, Q4_K on an NVIDIA H200).
 */
const F16_WEIGHT = 2 * F16;

export const ARITHMETICS = [
  { id: 'f32', title: 'f32', excess: () => 0 },
  { id: 'q8-activations', title: 'activations rounded to 8 bits as llama.cpp does', excess: undefined },
  { id: 'f16-inputs', title: 'operands rounded to f16, f32 sums', excess: () => both(F16, F16_WEIGHT) },
  // Hardware cuts a tf32 operand off: a whole step of 10 explicit bits.
  { id: 'tf32', title: 'operands cut to tf32, f32 sums', excess: () => both(2 * half(11)) },
  // Rounded or cut off: a whole step of 7 explicit bits.
  { id: 'bf16-inputs', title: 'operands rounded to bf16, f32 sums', excess: () => both(2 * half(8)) },
  {
    id: 'f16-accumulate',
    title: 'operands, products and sums in f16',
    // n additions and a product, each rounded; useless from n = 1000 on, where it explains nearly everything.
    excess: (n) => (1 + both(F16, F16_WEIGHT)) * (1 + F16) ** (n + 1) - 1,
  },
] as const satisfies readonly Arithmetic[];

export type ArithmeticId = (typeof ARITHMETICS)[number]['id'];

/** How many times f32's bound an arithmetic may err by, of sums of n products. */
export function boundFactor({ excess }: Arithmetic, n: number): number {
  return excess === undefined ? 1 : 1 + excess(n) / gamma(n + PRODUCT_ROUNDINGS);
}

/** From the most exact on. */
export function arithmeticOrder(id: ArithmeticId): number {
  return ARITHMETICS.findIndex((arithmetic) => arithmetic.id === id);
}
