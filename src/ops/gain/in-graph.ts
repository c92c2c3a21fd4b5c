import type { ExactOp } from '../exact-op';
import { gainBound } from './bound';
import { gain } from './exact';

/** Each column times a weight of its own. */
export const gainOp: ExactOp<'gain'> = {
  exact: async (at) => ({ values: gain(at.float(0), await at.vector()) }),
  bound: async (at) => gainBound(at.float(0), await at.vector()),
};
