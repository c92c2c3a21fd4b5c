import type { ExactOp } from '../exact-op';
import { rmsnormBound } from './bound';
import { rmsnorm } from './exact';

/** RMSNorm of groups as long as the weight: whole rows, or heads. */
export const rmsnormOp: ExactOp<'rmsnorm'> = {
  exact: async (at) => {
    const x = at.float(0);
    const weight = await at.vector();
    const values = new Float64Array(x.length);
    for (let group = 0; group < x.length; group += weight.length) {
      rmsnorm(x, group, weight, at.node.attrs.eps, values, group);
    }
    return { values };
  },
  bound: async (at) => {
    const x = at.float(0);
    const weight = await at.vector();
    const out = new Float64Array(x.length);
    for (let group = 0; group < x.length; group += weight.length) {
      rmsnormBound(x, group, weight, at.node.attrs.eps, out, group);
    }
    return out;
  },
};
