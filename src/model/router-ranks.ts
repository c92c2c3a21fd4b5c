import { LARGEST_F32 } from '../base/f32-error';
import type { Tap } from './engine';
import { CHOSEN_EXPERTS, CHOSEN_GROUPS, GROUP_SCORES, ROUTER_RANKS } from './stage-roles';
import type { StageId } from './stages';

/** The rank of an expert whose group was not chosen: below every value of a router. */
const OUTSIDE = -LARGEST_F32;

/** Whether an expert could not be chosen. */
export function isOutside(rank: number): boolean {
  return rank === OUTSIDE;
}

type Taps = ReadonlyMap<StageId, Tap>;

/** The captured values that experts were chosen by; where groups of them were chosen first, those of the others are ranked last. */
export function routerRanks(taps: Taps | undefined): Tap | undefined {
  const stage = ROUTER_RANKS.find((id) => taps?.has(id));
  const ranks = stage === undefined ? undefined : taps?.get(stage);
  const [scores, chosen] = [taps?.get(GROUP_SCORES), taps?.get(CHOSEN_GROUPS)];
  return ranks === undefined || scores === undefined || chosen === undefined ? ranks : within(ranks, scores, chosen);
}

/** The captured values that the indices of a stage were chosen by. */
export function ranksOf(stage: StageId, taps: Taps): Tap | undefined {
  return stage === CHOSEN_EXPERTS ? routerRanks(taps) : taps.get(GROUP_SCORES);
}

function within(ranks: Tap, scores: Tap, chosen: Tap): Tap {
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
