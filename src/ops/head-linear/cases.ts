import type { SelftestCase } from '../../selftest/selftest-case';
import { METHODS, productCase, range, type Product } from '../linear/product-case';

/** Heads of a token side by side: row t * nHead + h of x meets matrix h. */
function ofHeads(nHead: number, tokens: number, nIn: number, nOut: number): Product {
  return { nIn, nOut, shares: range(nHead).map((head) => range(tokens).map((t) => t * nHead + head)) };
}

/** One head, as many as rows, heads that are no multiple of anything; absorbed matrices have rows of 128 and more. */
const SHAPES: readonly Product[] = [
  ofHeads(1, 1, 32, 3),
  ofHeads(3, 5, 32, 20),
  ofHeads(5, 9, 128, 7),
  ofHeads(2, 33, 64, 65),
];

/** Products of heads with their own matrices, by every method. */
export const HEAD_LINEAR_CASES: readonly SelftestCase[] = METHODS.flatMap((method) =>
  (['F32', 'Q8_0'] as const).flatMap((type) => SHAPES.map((product) => productCase(type, method, product))),
);
