import type { ExactOp } from '../exact-op';
import { sigmoidBound } from './bound';
import { sigmoid } from './exact';

/** A gate between 0 and 1. */
export const sigmoidOp: ExactOp<'sigmoid'> = {
  exact: (at) => ({ values: sigmoid(at.float(0)) }),
  bound: (at) => sigmoidBound(at.float(0)),
};
