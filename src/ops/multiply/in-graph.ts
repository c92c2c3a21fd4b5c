import type { ExactOp } from '../exact-op';
import { multiplyBound } from './bound';
import { multiply } from './exact';

/** A value times its gate. */
export const multiplyOp: ExactOp<'multiply'> = {
  exact: (at) => ({ values: multiply(at.float(0), at.float(1)) }),
  bound: (at) => multiplyBound(at.float(0), at.float(1)),
};
