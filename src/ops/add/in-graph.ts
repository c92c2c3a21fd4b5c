import { valuesInPieces, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { addBound } from './bound';
import { add } from './exact';

/** The residual connection. */
export const addOp: ExactOp<'add'> = {
  exact: async (at) => ({ values: await ofBoth(at, add) }),
  bound: (at) => ofBoth(at, addBound),
};

function ofBoth(at: ExactContext<'add'>, compute: (a: Float64Array, b: Float64Array) => Float64Array): Promise<Bounds> {
  const [a, b] = [at.float(0), at.float(1)];
  return valuesInPieces(at, a.length, 1, (from, to) => compute(a.subarray(from, to), b.subarray(from, to)));
}
