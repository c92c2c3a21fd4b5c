import { plainRows } from './plain-rows';
import type { RowProducts, RowsWork } from './rows-work';
import { simdRows } from './simd-rows';

/** In WebAssembly where that can be had and in JavaScript elsewhere: the same bits. */
export function rowProducts(work: RowsWork): RowProducts {
  return simdRows(work) ?? plainRows(work);
}
