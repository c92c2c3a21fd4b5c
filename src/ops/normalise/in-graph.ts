import { lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { gatherBound, normaliseBound } from './bound';
import { gather, normalise } from './exact';

/** The weights of the chosen experts. */
export const normaliseOp: ExactOp<'normalise'> = {
  exact: (at) => {
    const values = new Float64Array(at.indices(1).length);
    const compute = at.node.attrs.divisor === 'sum' ? normalise : gather;
    eachToken(at, (p, n, experts, k, t) => {
      compute(p, t * n, experts, t * k, k, values, t * k);
    });
    return { values };
  },
  bound: (at) => {
    const out = new Float64Array(at.indices(1).length);
    const compute = at.node.attrs.divisor === 'sum' ? normaliseBound : gatherBound;
    eachToken(at, (p, n, experts, k, t) => {
      compute(p, t * n, experts, t * k, k, out, t * k);
    });
    return out;
  },
};

function eachToken(
  at: ExactContext<'normalise'>,
  visit: (p: Float64Array, n: number, experts: Uint32Array, k: number, token: number) => void,
): void {
  const p = at.float(0);
  const experts = at.indices(1);
  const k = experts.length / at.rows;
  for (let t = 0; t < at.rows; t++) visit(p, lastDim(at, 0), experts, k, t);
}
