import type { ExactOp } from '../exact-op';
import { swigluBound } from './bound';
import { swiglu } from './exact';

/** The gated activation. */
export const swigluOp: ExactOp<'swiglu'> = {
  exact: (at) => ({ values: swiglu(at.float(0), at.float(1)) }),
  bound: (at) => swigluBound(at.float(0), at.float(1)),
};
