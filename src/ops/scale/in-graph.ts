import type { ExactOp } from '../exact-op';
import { scaleBound } from './bound';
import { scale } from './exact';

/** A value times a constant of the model. */
export const scaleOp: ExactOp<'scale'> = {
  exact: (at) => ({ values: scale(at.float(0), at.node.attrs.factor) }),
  bound: (at) => scaleBound(at.float(0), at.node.attrs.factor),
};
