import { valuesInPieces, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { scaleBound } from './bound';
import { scale } from './exact';

/** A value times a constant of the model. */
export const scaleOp: ExactOp<'scale'> = {
  exact: async (at) => ({ values: await ofEach(at, (x) => scale(x, at.node.attrs.factor)) }),
  bound: (at) => ofEach(at, (x) => scaleBound(x, at.node.attrs.factor)),
};

function ofEach(at: ExactContext<'scale'>, compute: (x: Float64Array) => Float64Array): Promise<Bounds> {
  const x = at.float(0);
  return valuesInPieces(at, x.length, 1, (from, to) => compute(x.subarray(from, to)));
}
