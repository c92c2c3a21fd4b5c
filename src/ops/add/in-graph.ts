import type { ExactOp } from '../exact-op';
import { addBound } from './bound';
import { add } from './exact';

/** The residual connection. */
export const addOp: ExactOp<'add'> = {
  exact: (at) => ({ values: add(at.float(0), at.float(1)) }),
  bound: (at) => addBound(at.float(0), at.float(1)),
};
