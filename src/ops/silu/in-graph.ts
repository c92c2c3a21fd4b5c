import type { ExactOp } from '../exact-op';
import { siluBound } from './bound';
import { silu } from './exact';

/** The activation behind the convolution. */
export const siluOp: ExactOp<'silu'> = {
  exact: (at) => ({ values: silu(at.float(0)) }),
  bound: (at) => siluBound(at.float(0)),
};
