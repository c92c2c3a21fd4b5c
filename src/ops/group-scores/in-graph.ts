import { dimOf, floatsOf, lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { groupScoresBound } from './bound';
import { groupScores } from './exact';

/** What groups of experts are chosen by. */
export const groupScoresOp: ExactOp<'group-scores'> = {
  exact: (at) => ({ values: groupScores(at.float(0), sizeOf(at)) }),
  bound: (at, output) => groupScoresBound(at.float(0), sizeOf(at), floatsOf(output)),
};

/** Experts of a group. */
function sizeOf(at: ExactContext<'group-scores'>): number {
  return lastDim(at, 0) / dimOf(at, at.node.out.axes[1]);
}
