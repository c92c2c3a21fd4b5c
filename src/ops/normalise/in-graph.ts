import { eachPiece, lastDim, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { gatherBound, normaliseBound } from './bound';
import { gather, normalise } from './exact';

/** The weights of the chosen experts. */
export const normaliseOp: ExactOp<'normalise'> = {
  exact: async (at) => ({ values: await ofTokens(at, isSum(at) ? normalise : gather) }),
  bound: (at) => ofTokens(at, isSum(at) ? normaliseBound : gatherBound),
};

function isSum(at: ExactContext<'normalise'>): boolean {
  return at.node.attrs.divisor === 'sum';
}

async function ofTokens(at: ExactContext<'normalise'>, compute: typeof gather): Promise<Bounds> {
  const p = at.float(0);
  const experts = at.indices(1);
  const n = lastDim(at, 0);
  const k = experts.length / at.rows;
  const out = new Float64Array(experts.length);
  await eachPiece(at, experts.length, k, (from, to) => {
    for (let start = from; start < to; start += k) compute(p, (start / k) * n, experts, start, k, out, start);
  });
  return out;
}
