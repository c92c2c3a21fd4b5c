import { LARGEST_F32 } from '../base/f32-error';
import type { Capture } from './engine';
import { CHOSEN_EXPERTS, CHOSEN_GROUPS, GROUP_SCORES, ROUTER_RANKS } from './stage-roles';
import type { StageId } from './stages';

/** The rank of an expert whose group was not chosen: below every value of a router. */
const OUTSIDE = -LARGEST_F32;

/** Whether an expert could not be chosen. */
export function isOutside(rank: number): boolean {
  return rank === OUTSIDE;
}

type Captures = ReadonlyMap<StageId, Capture>;

/** The captured values that experts were chosen by; where groups of them were chosen first, those of the others are ranked last. */
export function routerRanks(captures: Captures | undefined): Capture | undefined {
  const stage = ROUTER_RANKS.find((id) => captures?.has(id));
  const ranks = stage === undefined ? undefined : captures?.get(stage);
  const [scores, chosen] = [captures?.get(GROUP_SCORES), captures?.get(CHOSEN_GROUPS)];
  return ranks === undefined || scores === undefined || chosen === undefined ? ranks : within(ranks, scores, chosen);
}

/** The captured values that the indices of a stage were chosen by. */
export function ranksOf(stage: StageId, captures: Captures): Capture | undefined {
  return stage === CHOSEN_EXPERTS ? routerRanks(captures) : captures.get(GROUP_SCORES);
}

function within(ranks: Capture, scores: Capture, chosen: Capture): Capture {
  const [, nExpert = 1] = ranks.shape;
  const [, nGroup = 1] = scores.shape;
  const [, nUsed = 1] = chosen.shape;
  const size = nExpert / nGroup;
  const data = new Float32Array(ranks.data.length).fill(OUTSIDE);
  for (const [row, position] of ranks.positions.entries()) {
    const at = chosen.positions.indexOf(position) * nUsed;
    for (const group of chosen.data.subarray(at, at + nUsed)) {
      const from = row * nExpert + group * size;
      data.set(ranks.data.subarray(from, from + size), from);
    }
  }
  const { stage, layer, positions, shape } = ranks;
  return { stage, layer, positions, shape, data };
}
