import type { GpuContext } from '../device';
import { subgroupLanes } from '../matmul/subgroup-lanes';
import { SINGLE_HEADS, type AttentionChoice } from '../../fusions/attention/attention-plan';
import type { DecodeChoice, TeamShape } from '../../fusions/choice';

/** Lanes of the largest team that a choice may have: those sure to share a subgroup, or any in workgroup memory. */
export async function teamLimit(context: GpuContext): Promise<{ readonly subgroups: boolean; readonly lanes: number }> {
  const lanes = await subgroupLanes(context);
  return lanes >= 4 ? { subgroups: true, lanes: Math.min(32, lanes) } : { subgroups: false, lanes: 32 };
}

/** What an adapter gets that nobody has measured. */
export async function defaultChoice(context: GpuContext): Promise<DecodeChoice> {
  const { subgroups, lanes } = await teamLimit(context);
  const team = (wanted: TeamShape['lanes'], group: number, batches: TeamShape['batches']): TeamShape => ({
    lanes: atMost(wanted, lanes),
    group,
    batches,
  });
  return {
    subgroups,
    dots: 'own',
    ahead: 1,
    attention: attentionFor(context.card.isSoftware, subgroups && lanes === 32),
    teams: {
      qkv: team(32, 64, 4),
      project: team(32, 128, 4),
      router: team(32, 64, 1),
      'experts-in': team(32, 128, 4),
      'experts-out': team(16, 64, 4),
      head: team(32, 64, 4),
    },
  };
}

function atMost(wanted: TeamShape['lanes'], limit: number): TeamShape['lanes'] {
  return ([32, 16, 8, 4] as const).find((lanes) => lanes <= Math.min(wanted, limit)) ?? 4;
}

function attentionFor(isSoftware: boolean, hasTeams: boolean): AttentionChoice {
  // Software adapters do a shared key's work in half the time at any length.
  if (isSoftware) return [{ from: 1, way: { kernel: 'shared', splits: 32 } }];
  if (!hasTeams) return SINGLE_HEADS;
  return [
    { from: 1, way: { kernel: 'teams', lanes: 32, heads: 1, splits: 1 } },
    { from: 129, way: { kernel: 'teams', lanes: 32, heads: 1, splits: 4 } },
    { from: 4097, way: { kernel: 'shared', splits: 64 } },
  ];
}
