import { valuesInPieces, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { multiplyBound } from './bound';
import { multiply } from './exact';

/** A value times its gate. */
export const multiplyOp: ExactOp<'multiply'> = {
  exact: async (at) => ({ values: await gated(at, multiply) }),
  bound: (at) => gated(at, multiplyBound),
};

/** A gate is one number of a run of values. */
function gated(
  at: ExactContext<'multiply'>,
  compute: (a: Float64Array, gates: Float64Array) => Float64Array,
): Promise<Bounds> {
  const [a, gates] = [at.float(0), at.float(1)];
  const run = a.length / gates.length;
  return valuesInPieces(at, a.length, run, (from, to) =>
    compute(a.subarray(from, to), gates.subarray(from / run, to / run)),
  );
}
