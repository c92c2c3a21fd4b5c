import { SINGLE_HEADS } from '../../fusions/attention/attention-plan';
import type { DecodeChoice, TeamShape } from '../../fusions/choice';
import type { Needs } from '../selftest-case';

/** One way to specialise the product kernels of a decoded token. */
export interface DecodeWay {
  readonly name: string;
  readonly choice: DecodeChoice;
  readonly team: TeamShape;
  readonly needs: Needs;
}

function wayOf(
  name: string,
  subgroups: boolean,
  team: TeamShape,
  how: Pick<DecodeChoice, 'dots' | 'ahead'>,
): DecodeWay {
  const teams = { qkv: team, project: team, router: team, 'experts-in': team, 'experts-out': team, head: team };
  const needs = subgroups ? { subgroups, subgroupLanes: team.lanes } : {};
  return { name, choice: { subgroups, ...how, attention: SINGLE_HEADS, teams }, team, needs };
}

/** Subgroups of 4 are the smallest that any adapter has: what every adapter with subgroups can run. */
export const BY_SUBGROUP = wayOf(
  'subgroups of 4',
  true,
  { lanes: 4, group: 32, batches: 3 },
  { dots: 'own', ahead: 1 },
);
export const BY_WORKGROUP = wayOf(
  'workgroup memory',
  false,
  { lanes: 8, group: 64, batches: 2 },
  { dots: 'own', ahead: 1 },
);
/** Dequantised one by one, three rows ahead. */
export const PLAIN_DEEP = wayOf(
  'plain, three rows ahead',
  true,
  { lanes: 4, group: 32, batches: 4 },
  { dots: 'plain', ahead: 3 },
);
/** The teams of a large subgroup. */
export const BY_32 = wayOf('subgroups of 32', true, { lanes: 32, group: 64, batches: 4 }, { dots: 'own', ahead: 1 });
