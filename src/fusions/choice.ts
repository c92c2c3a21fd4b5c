import type { AttentionChoice } from './attention/attention-plan';

/** How the lanes of a product's workgroup are used. */
export interface LaneGroupShape {
  /** Lanes that share a row. */
  readonly lanes: 4 | 8 | 16 | 32;
  /** Lanes of a workgroup; a multiple of `lanes`. The experts' second half derives its own (`experts-out/kernel.ts`). */
  readonly group: number;
  /** Rows that a lane group takes one after another. */
  readonly batches: 1 | 2 | 3 | 4;
}

/** The fusions whose lane group is a matter of choice. */
export const LANE_GROUP_FUSIONS = ['qkv', 'project', 'router', 'experts-in', 'experts-out', 'head'] as const;
export type LaneGroupFusion = (typeof LANE_GROUP_FUSIONS)[number];

/** How the kernels of an adapter are specialised. Values differ between choices by the order of sums only. */
export interface DecodeChoice {
  /** Whether lane groups add up in their subgroup, or in workgroup memory. */
  readonly subgroups: boolean;
  /** How weights become floats: by each type's own product (`shaders/fusions/lib/dot_*.wgsl`), or dequantised one by one. */
  readonly dots: 'own' | 'plain';
  /** Rows whose weights are under way while one is computed, where a lane has one unit of each. */
  readonly ahead: 1 | 3;
  readonly attention: AttentionChoice;
  readonly laneGroups: Readonly<Record<LaneGroupFusion, LaneGroupShape>>;
}
