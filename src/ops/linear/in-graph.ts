import { lastDim, type ExactOp } from '../exact-op';
import { matmulBound } from './bound';

/** A dense matrix product. */
export const linearOp: ExactOp<'linear'> = {
  exact: (at) => at.matmul(at.float(0)),
  bound: (at, { values, magnitudes }) =>
    // An engine that was not asked for magnitudes promises nothing.
    matmulBound(values, magnitudes ?? new Float64Array(values.length).fill(Infinity), lastDim(at, 0), at.sumOrder),
};
