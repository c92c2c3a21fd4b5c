import type { GpuContext } from '../device';
import { subgroupLanes } from '../matmul/subgroup-lanes';
import { SINGLE_HEADS, type AttentionChoice } from '../../fusions/attention/attention-plan';
import type { DecodeChoice, LaneGroupShape } from '../../fusions/choice';

/** Lanes of the largest lane group that a choice may have: those sure to share a subgroup, or any in workgroup memory. */
export async function laneGroupLimit(
  context: GpuContext,
): Promise<{ readonly subgroups: boolean; readonly lanes: number }> {
  const lanes = await subgroupLanes(context);
  return lanes >= 4 ? { subgroups: true, lanes: Math.min(32, lanes) } : { subgroups: false, lanes: 32 };
}

/** What an adapter gets that nobody has measured. */
export async function defaultChoice(context: GpuContext): Promise<DecodeChoice> {
  const { subgroups, lanes } = await laneGroupLimit(context);
  const laneGroup = (
    wanted: LaneGroupShape['lanes'],
    group: number,
    batches: LaneGroupShape['batches'],
  ): LaneGroupShape => ({
    lanes: atMost(wanted, lanes),
    group,
    batches,
  });
  return {
    subgroups,
    dots: 'own',
    ahead: 1,
    attention: attentionFor(context.card.isSoftware, subgroups && lanes === 32),
    laneGroups: {
      qkv: laneGroup(32, 64, 4),
      project: laneGroup(32, 128, 4),
      router: laneGroup(32, 64, 1),
      'experts-in': laneGroup(32, 128, 4),
      'experts-out': laneGroup(16, 64, 4),
      head: laneGroup(32, 64, 4),
    },
  };
}

function atMost(wanted: LaneGroupShape['lanes'], limit: number): LaneGroupShape['lanes'] {
  return ([32, 16, 8, 4] as const).find((lanes) => lanes <= Math.min(wanted, limit)) ?? 4;
}

function attentionFor(isSoftware: boolean, hasLaneGroups: boolean): AttentionChoice {
  // Software adapters do a shared key's work in half the time at any length.
  if (isSoftware) return [{ from: 1, method: { kernel: 'shared', splits: 32 } }];
  if (!hasLaneGroups) return SINGLE_HEADS;
  return [
    { from: 1, method: { kernel: 'lane-groups', lanes: 32, heads: 1, splits: 1 } },
    { from: 129, method: { kernel: 'lane-groups', lanes: 32, heads: 1, splits: 4 } },
    { from: 4097, method: { kernel: 'shared', splits: 64 } },
  ];
}
