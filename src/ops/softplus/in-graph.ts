import type { ExactOp } from '../exact-op';
import { softplusBound } from './bound';
import { softplus } from './exact';

/** How fast a head forgets, before its own rate. */
export const softplusOp: ExactOp<'softplus'> = {
  exact: async (at) => ({ values: softplus(at.float(0), await at.vector()) }),
  bound: async (at) => softplusBound(at.float(0), await at.vector()),
};
