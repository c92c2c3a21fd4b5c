import { eachPiece, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { rmsnormBound } from './bound';
import { rmsnorm } from './exact';

/** RMSNorm of groups as long as the weight: whole rows, or heads. */
export const rmsnormOp: ExactOp<'rmsnorm'> = {
  exact: async (at) => {
    let largestSum = 0;
    const values = await ofGroups(at, (...group) => {
      largestSum = Math.max(largestSum, rmsnorm(...group));
    });
    return { values, largestSum };
  },
  bound: (at) => ofGroups(at, rmsnormBound),
};

async function ofGroups(at: ExactContext<'rmsnorm'>, compute: typeof rmsnormBound): Promise<Bounds> {
  const x = at.float(0);
  const weight = await at.vector();
  const out = new Float64Array(x.length);
  await eachPiece(at, x.length, weight.length, (from, to) => {
    for (let group = from; group < to; group += weight.length) {
      compute(x, group, weight, at.node.attrs.eps, out, group);
    }
  });
  return out;
}
