import { SINGLE_HEADS } from '../../fusions/attention/attention-plan';
import type { DecodeChoice, LaneGroupShape } from '../../fusions/choice';
import type { Needs } from '../selftest-case';

/** One method to specialise the product kernels of a decoded token. */
export interface DecodeMethod {
  readonly name: string;
  readonly choice: DecodeChoice;
  readonly laneGroup: LaneGroupShape;
  readonly needs: Needs;
}

function methodOf(
  name: string,
  subgroups: boolean,
  laneGroup: LaneGroupShape,
  how: Pick<DecodeChoice, 'dots' | 'ahead'>,
): DecodeMethod {
  const laneGroups = {
    qkv: laneGroup,
    project: laneGroup,
    router: laneGroup,
    'experts-in': laneGroup,
    'experts-out': laneGroup,
    head: laneGroup,
  };
  const needs = subgroups ? { subgroups, subgroupLanes: laneGroup.lanes } : {};
  return { name, choice: { subgroups, ...how, attention: SINGLE_HEADS, laneGroups }, laneGroup, needs };
}

/** Subgroups of 4 are the smallest that any adapter has: what every adapter with subgroups can run. */
export const BY_SUBGROUP = methodOf(
  'subgroups of 4',
  true,
  { lanes: 4, group: 32, batches: 3 },
  { dots: 'own', ahead: 1 },
);
export const BY_WORKGROUP = methodOf(
  'workgroup memory',
  false,
  { lanes: 8, group: 64, batches: 2 },
  { dots: 'own', ahead: 1 },
);
/** Dequantised one by one, three rows ahead. */
export const PLAIN_DEEP = methodOf(
  'plain, three rows ahead',
  true,
  { lanes: 4, group: 32, batches: 4 },
  { dots: 'plain', ahead: 3 },
);
/** The lane groups of a large subgroup. */
export const BY_32 = methodOf('subgroups of 32', true, { lanes: 32, group: 64, batches: 4 }, { dots: 'own', ahead: 1 });
