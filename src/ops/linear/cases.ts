import type { MatmulMethod } from '../../gpu/matmul/variants';
import type { SelftestCase } from '../../selftest/selftest-case';
import { typeOf, type QuantType } from '../../types/types';
import { everyProduct, gapOf, range, type Product } from './product-case';

/** Rows of W beyond any tile and no multiple of one: the last workgroup of a large matrix is partial. */
const MANY_ROWS = 1031;
/** The longest row of x in real models' experts and residual streams. */
const LONG = 4096;

/** Elements of a block; at least what the fast kernels take at once. */
const blockOf = (type: QuantType): number => Math.max(32, typeOf(type).blockSize);

/** Row lengths: one block, several, those of real models; for floats in the naive kernel, what fits no vector width. */
function lengths(type: QuantType, { kind }: MatmulMethod, full: boolean): readonly number[] {
  const block = blockOf(type);
  if (!full) return [block, 2048];
  if (typeOf(type).blockSize === 1 && kind === 'naive') return [1, 31, 32, 33, 100, 768, 2048];
  return [block, ...(block === 32 ? [64] : []), 768, 2048, LONG];
}

/** Where things lie: row lengths, counts of rows on both sides. */
function places(type: QuantType, method: MatmulMethod, full: boolean): readonly Product[] {
  const ragged = typeOf(type).blockSize === 1 && method.kind === 'naive';
  const gap = gapOf(method);
  const few = { nIn: ragged ? 33 : blockOf(type), gap };
  return [
    { nIn: ragged ? 33 : blockOf(type), nOut: 1, shares: [[0]] },
    ...lengths(type, method, full).map((nIn) => ({ nIn, nOut: 65, shares: [[0]] })),
    // Every count of rows that fills an entry in part, and each side of the tiles of all methods.
    ...(full ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 24, 25, 33] : [5]).map((n) => ({ ...few, nOut: 5, shares: [range(n)] })),
    ...(full ? [3, 63, 64, 127, MANY_ROWS] : []).map((nOut) => ({ ...few, nOut, shares: [range(2)] })),
  ];
}

/** What the numbers are. */
function values(type: QuantType, { kind }: MatmulMethod): readonly Product[] {
  const common = { nIn: 2 * blockOf(type), nOut: 9, shares: [range(3)] };
  return [
    { ...common, weights: 'extreme' },
    { ...common, input: 'large' },
    { ...common, input: 'subnormal' },
    ...(kind === 'naive'
      ? ([
          { ...common, weights: 'extreme', input: 'one-hot' },
          { ...common, weights: 'zero' },
          { ...common, input: 'one-hot' },
          { ...common, input: 'zero' },
          { ...common, input: 'minus-zero' },
        ] as const)
      : []),
  ];
}

/** One matrix, every method with every type. */
export const LINEAR_CASES: readonly SelftestCase[] = everyProduct((type, method, full) => [
  ...places(type, method, full),
  ...values(type, method),
]);
