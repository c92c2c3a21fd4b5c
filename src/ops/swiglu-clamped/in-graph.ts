import type { ExactOp } from '../exact-op';
import { swigluClampedBound } from './bound';
import { swigluClamped } from './exact';

/** The gated activation of gpt-oss. */
export const swigluClampedOp: ExactOp<'swiglu-clamped'> = {
  exact: (at) => ({ values: swigluClamped(at.float(0), at.float(1), at.node.attrs) }),
  bound: (at) => swigluClampedBound(at.float(0), at.float(1), at.node.attrs),
};
