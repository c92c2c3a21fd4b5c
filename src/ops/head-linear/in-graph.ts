import { dimOf, type ExactContext, type ExactOp } from '../exact-op';
import { productBound } from '../linear/in-graph';

/** Each head's vector by the head's own matrix. */
export const headLinearOp: ExactOp<'head-linear'> = {
  exact: (at) => at.expertMatmul(at.float(0), true, headsOf(at)),
  bound: (at, output) => productBound(at, output),
};

/** Head after head, of every row. */
function headsOf(at: ExactContext<'head-linear'>): Uint32Array {
  const heads = dimOf(at, at.node.weights[0]?.dims[2]);
  return Uint32Array.from({ length: at.rows * heads }, (_, i) => i % heads);
}
