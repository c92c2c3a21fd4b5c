import { gamma, PRODUCT_ROUNDINGS } from '../base/f32-error';

/*
 * THE ARITHMETICS that an engine may compute sums of products in. Each has a bound on what an honest engine errs by; the judge names the most exact
 * one that explains all layers.
 *
 * A bound is given as the excess E over f32's: |error| <= bound_f32 + E sum |w x|. The reference's bound of a sum of n products is
 * gamma_{n+6} sum |w x| (`docs/numerics.md`), so that the bound of another arithmetic is 1 + E / gamma_{n+6} times as large. Where rounded operands
 * are emulated, that bound is about what is left.
 */

export interface Arithmetic {
  readonly id: string;
  /** A clause for the sentence. */
  readonly title: string;
  /** E for sums of n products; of an emulated arithmetic, of what is left behind the emulation. */
  readonly excess: (n: number) => number;
  /**
   * What is rounded as the engine does before the exact value is taken: `activations` in front of a matrix, by the weight's type; `blocks`: the same in
   * blocks of 32 whatever the type; `kept`: keys and values. Absent: nothing, the whole error is held to the bound.
   */
  readonly emulates?: 'activations' | 'blocks' | 'kept';
}

/** Half a step of a significand of so many bits, relative: rounding to nearest. */
const half = (bits: number): number => 2 ** -bits;
/** Both operands rounded, each by u: (1 + u)(1 + v) - 1. */
const both = (u: number, v = u): number => u + v + u * v;
const none = (): number => 0;

const F16 = half(11);
/**
 * Weights that are dequantised in f16 round scale times code and the block's minimum apart, so that their error is of the parts' sizes, not of their
 * difference's. CHOSEN: the parts are at most twice the weight on average (measured 1.26 of the bound without it, Q4_K on an NVIDIA H200).
 */
const F16_WEIGHT = 2 * F16;
/**
 * Q8_1 keeps a block's sum in f16, which the weights' minima are multiplied by: 2^-11 of sum |m x|. CHOSEN: minima are at most four times the weights on
 * average (below 2.5 for normal weights in blocks of 32, whose minimum is their smallest).
 */
const Q8_1_SUM = 4 * F16;
/** e4m3: three explicit bits. What lies below its normal range is at least 2^15 times smaller than the largest of a scaled row, and counts as rounded. */
const E4M3 = half(4);

export const ARITHMETICS = [
  { id: 'f32', title: 'f32', excess: none },
  { id: 'f16-kv', title: 'keys and values kept in f16', excess: none, emulates: 'kept' },
  { id: 'bf16-kv', title: 'keys and values kept in bf16', excess: none, emulates: 'kept' },
  { id: 'q8-kv', title: 'keys and values kept in Q8_0', excess: none, emulates: 'kept' },
  {
    id: 'q8-activations',
    title: 'activations rounded to 8 bits as llama.cpp does',
    excess: none,
    emulates: 'activations',
  },
  {
    id: 'q8_1-activations',
    title: 'activations rounded to 8 bits in blocks of 32, their sums in f16',
    excess: () => Q8_1_SUM,
    emulates: 'blocks',
  },
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
  { id: 'fp8', title: 'operands rounded to fp8 (e4m3), f32 sums', excess: () => both(E4M3) },
] as const satisfies readonly Arithmetic[];

export type ArithmeticId = (typeof ARITHMETICS)[number]['id'];

/** An arithmetic of the table. */
export type NamedEntry = Arithmetic & { readonly id: ArithmeticId };

/** How many times f32's bound an arithmetic may err by, of sums of n products. */
export function boundFactor({ excess }: Arithmetic, n: number): number {
  return 1 + excess(n) / gamma(n + PRODUCT_ROUNDINGS);
}

/** The most exact first, of sums of n products: f16 sums of short rows are more exact than fp8 operands, of long ones less. */
export function fromMostExact(n: number): readonly NamedEntry[] {
  const all: readonly NamedEntry[] = ARITHMETICS;
  return all.toSorted((a, b) => a.excess(n) - b.excess(n));
}
