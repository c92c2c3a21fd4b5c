import type { MatmulMethod } from '../../../src/gpu/matmul/variants';

const LANES = [8, 16, 32] as const;
const LANE_GROUP_ROWS = [1, 2, 4] as const;

/** The methods worth timing when about this many rows of x meet a matrix; `quick` leaves out the sweep over lanes and rows. */
export function methodsFor(rowsPerMatrix: number, hasSubgroups: boolean, quick: boolean): readonly MatmulMethod[] {
  const kinds = hasSubgroups ? (['workgroup', 'subgroup'] as const) : (['workgroup'] as const);
  if (rowsPerMatrix > 8) {
    return [
      { kind: 'lane', tile: 8 },
      ...kinds.map((kind) => ({ kind, tile: 8, laneGroupRows: 2, lanes: 32 }) as const),
      ...([2, 4, 8] as const).map((laneRows) => ({ kind: 'tile', tile: 32, laneRows }) as const),
    ];
  }
  const tiles = rowsPerMatrix > 1 ? ([2, 4, 8] as const) : ([1] as const);
  const sweep = kinds.flatMap((kind) =>
    tiles.flatMap((tile) =>
      (quick ? ([2] as const) : LANE_GROUP_ROWS).flatMap((laneGroupRows) =>
        (quick ? ([32] as const) : LANES).map((lanes) => ({ kind, tile, laneGroupRows, lanes }) as const),
      ),
    ),
  );
  return [{ kind: 'lane', tile: 8 }, ...sweep];
}

/** A method in a table's column. */
export function methodName(method: MatmulMethod): string {
  switch (method.kind) {
    case 'naive':
    case 'lane':
      return `${method.kind} x${method.tile}`;
    case 'tile':
      return `tile of ${8 * method.laneRows} x${method.tile}`;
    case 'workgroup':
    case 'subgroup':
      return `${method.kind} ${method.lanes} lanes, ${method.laneGroupRows} rows x${method.tile}`;
  }
}
