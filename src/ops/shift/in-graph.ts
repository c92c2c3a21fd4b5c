import type { ExactOp } from '../exact-op';
import { shiftBound } from './bound';
import { shift } from './exact';

/** Each column and a weight of its own. */
export const shiftOp: ExactOp<'shift'> = {
  exact: async (at) => ({ values: shift(at.float(0), await at.vector()) }),
  bound: async (at) => shiftBound(at.float(0), await at.vector()),
};
