/** Workgroups in x, y, z; each at most {@link MAX_GROUPS}. */
export type Grid = readonly [x: number, y?: number, z?: number];

/** Most workgroups in one dimension of a dispatch, on every adapter. */
export const MAX_GROUPS = 65_535;

/**
 * A grid of at least `count` invocations, for kernels on `shaders/lib/grid.wgsl`: one row of workgroups, or as few
 * equal rows as hold them.
 */
export function linearGrid(count: number, workgroupSize: number): Grid {
  const groups = Math.ceil(count / workgroupSize);
  const rows = Math.ceil(groups / MAX_GROUPS);
  return rows <= 1 ? [groups] : [Math.ceil(groups / rows), rows];
}
