import type { RunStatus } from '../divergence/report';
import { stageSpec } from '../model/stages';
import type { MapData } from './map/map-types';

const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  match: 'Match: nothing is wrong',
  diverged: 'Diverged',
  'not-finite': 'Not finite',
  'ill-conditioned': 'Ill-conditioned: rounding alone parts the two',
  'out-of-range': 'The model itself leaves f32',
  suspicious: 'Suspicious, but within bounds',
  incomplete: 'Incomplete: no verdict',
};

/** The finding in a few words, for a bar that stays in sight: what is wrong first, else how the run stands. */
export function shortFinding({ first, culprits, view, layersDone }: MapData): string {
  if (first !== undefined) {
    const where = first.layer === undefined ? '' : ` at layer ${first.layer}`;
    return `${culprits.size > 0 ? 'Wrong' : 'They part'}${where}, ${stageSpec(first.stage).title}`;
  }
  if (view.verdict !== undefined) return STATUS_WORDS[view.verdict.status];
  const done = view.layers.filter((layer) => layer <= layersDone).length;
  return `Right so far, ${done} of ${view.layers.length} layers`;
}
