import { valuesInPieces, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { swigluBound } from './bound';
import { swiglu } from './exact';

/** The gated activation. */
export const swigluOp: ExactOp<'swiglu'> = {
  exact: async (at) => ({ values: await ofBoth(at, swiglu) }),
  bound: (at) => ofBoth(at, swigluBound),
};

function ofBoth(
  at: ExactContext<'swiglu'>,
  compute: (a: Float64Array, b: Float64Array) => Float64Array,
): Promise<Bounds> {
  const [a, b] = [at.float(0), at.float(1)];
  return valuesInPieces(at, a.length, 1, (from, to) => compute(a.subarray(from, to), b.subarray(from, to)));
}
