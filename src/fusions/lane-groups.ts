import type { KernelVariant } from '../ops/kernel-spec';
import { gpuRowWords, weightLayout } from '../ops/weight-layout';
import { unitElements } from '../types/lib/columns';
import { typeOf, type QuantType } from '../types/types';
import type { DecodeChoice, LaneGroupShape } from './choice';

/*
 * Products by lane groups (`shaders/fusions/lib/lane_group.wgsl`): how their kernels are specialised, and how many workgroups they take.
 */

/** What a product's workgroups are made for. */
export interface LaneGroupJob {
  readonly nIn: number;
  /** By suffix of the kernel's `#include ... as`. */
  readonly types: Readonly<Record<string, QuantType>>;
  readonly constants?: Readonly<Record<string, number>>;
  readonly includes?: Readonly<Record<string, string>>;
}

/** How a product kernel is specialised for a job. */
export function laneGroupVariant(choice: DecodeChoice, laneGroup: LaneGroupShape, job: LaneGroupJob): KernelVariant {
  const { nIn, types } = job;
  const { lanes, group } = laneGroup;
  const dots = Object.entries(types).map(([suffix, type]) =>
    dotOf(type, suffix, nIn, (job.constants?.['SHARE'] ?? 1) * lanes, choice),
  );
  const how = choice.subgroups ? 'subgroup' : 'workgroup';
  return {
    id: `${Object.values(types).join(' ')} of ${nIn}: ${how}, ${group} lanes, ${lanes} a row`,
    includes: Object.assign({ totals: `fusions/lib/totals_${how}.wgsl` }, ...dots, job.includes) as Record<
      string,
      string
    >,
    constants: { LANES: lanes, GROUP: group, N_IN: nIn, ...job.constants },
    ...(choice.subgroups ? { feature: 'subgroups' } : {}),
  };
}

/** The include choices of one matrix; `suffix` as the kernel's `#include ... as` says. */
function dotOf(
  type: QuantType,
  suffix: string,
  nIn: number,
  lanes: number,
  { dots, ahead }: DecodeChoice,
): Readonly<Record<string, string>> {
  const isOwn = dots === 'own' && typeOf(type).ownDot !== undefined;
  const walk = rowUnits(type, nIn) <= lanes ? (ahead === 1 ? 'once' : 'deep') : 'many';
  return {
    [`dot${suffix}`]: `fusions/lib/dot_${isOwn ? type.toLowerCase() : 'plain'}.wgsl`,
    [`weights${suffix}`]: weightLayout(type).shader,
    [`walk${suffix}`]: `fusions/lib/walk_${walk}.wgsl`,
  };
}

/** Units of a row: as the type's file in `shaders/` counts them. */
export function rowUnits(type: QuantType, nIn: number): number {
  return nIn / unitElements(typeOf(type).columns);
}

/** Four words each of a row: the step from one to the next. */
export function rowVec4s(type: QuantType, nIn: number): number {
  return gpuRowWords(type, nIn) / 4;
}

/** Rows that a workgroup computes at the same time, `share` lane groups each. */
export function rowLaneGroups({ group, lanes }: LaneGroupShape, share: number): number {
  return group / lanes / share;
}

/** Rows of a workgroup whose lane groups have a row each. */
export function rowsPerGroup({ group, lanes, batches }: LaneGroupShape): number {
  return (group / lanes) * batches;
}
