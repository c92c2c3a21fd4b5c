import type { MatmulMethod } from '../../gpu/matmul/variants';
import type { SelftestCase } from '../../selftest/selftest-case';
import { typeOf, type QuantType } from '../../types/types';
import { everyProduct, gapOf, range, type Product } from '../linear/product-case';
import { EXPERT_SLOT_CASES } from './slot-cases';

/** Several experts, some unused, in any order; more rows than an entry holds. */
function shares(type: QuantType, method: MatmulMethod, full: boolean): readonly Product[] {
  const { blockSize } = typeOf(type);
  const gap = gapOf(method);
  const block = Math.max(32, blockSize);
  const ragged = blockSize === 1 && method.kind === 'naive';
  const most = method.kind === 'tile' ? 52 : 9;
  return [
    { nIn: ragged ? 33 : 2 * block, nOut: 65, shares: [[3, 0], [], [1]], gap },
    { nIn: ragged ? 100 : 3 * block, nOut: 7, shares: [range(most), [2]], gap },
    ...(full
      ? [
          { nIn: block, nOut: 7, shares: [[5, 0, 3], [], [2, 2, 9, 1, 4, 7, 8, 6, 5], [0]], gap },
          { nIn: block, nOut: 9, shares: [[], range(17), []] },
        ]
      : []),
    ...(ragged ? [{ nIn: 1, nOut: 3, shares: [[0, 1]] }] : []),
  ];
}

/** Products with chosen experts, every method with every type, and the lists that they follow. */
export const EXPERT_LINEAR_CASES: readonly SelftestCase[] = [...EXPERT_SLOT_CASES, ...everyProduct(shares)];
