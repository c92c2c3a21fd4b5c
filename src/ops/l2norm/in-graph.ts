import { lastDim, type ExactOp } from '../exact-op';
import { l2normBound } from './bound';
import { l2norm } from './exact';

/** Heads of length 1. */
export const l2normOp: ExactOp<'l2norm'> = {
  exact: (at) => l2norm(at.float(0), lastDim(at, 0), at.node.attrs.eps, at.node.attrs.times),
  bound: (at) => l2normBound(at.float(0), lastDim(at, 0), at.node.attrs.eps, at.node.attrs.times),
};
