import type { GpuContext } from '../device';
import { subgroupLanes } from '../matmul/subgroup-lanes';
import { NEVER, type DecodeChoice, type TeamShape } from './decode-kernels';

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
    // Software adapters do a shared key's work in half the time at any length; on hardware nobody knows before the tuner has looked.
    attention: { sharedFrom: context.card.isSoftware ? 1 : NEVER, splits: 32 },
    teams: {
      qkv: team(32, 64, 4),
      project: team(32, 128, 4),
      router: team(32, 64, 1),
      expertsIn: team(32, 128, 4),
      expertsOut: team(16, 64, 4),
      head: team(32, 64, 4),
    },
  };
}

function atMost(wanted: TeamShape['lanes'], limit: number): TeamShape['lanes'] {
  return ([32, 16, 8, 4] as const).find((lanes) => lanes <= Math.min(wanted, limit)) ?? 4;
}
