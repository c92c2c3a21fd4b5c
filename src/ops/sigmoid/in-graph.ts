import { valuesInPieces, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { sigmoidBound } from './bound';
import { sigmoid } from './exact';

/** A gate between 0 and 1. */
export const sigmoidOp: ExactOp<'sigmoid'> = {
  exact: async (at) => ({ values: await ofEach(at, (x) => sigmoid(x)) }),
  bound: (at) => ofEach(at, (x) => sigmoidBound(x)),
};

function ofEach(at: ExactContext<'sigmoid'>, compute: (x: Float64Array) => Float64Array): Promise<Bounds> {
  const x = at.float(0);
  return valuesInPieces(at, x.length, 1, (from, to) => compute(x.subarray(from, to)));
}
