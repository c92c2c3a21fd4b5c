import type { SumOrder } from '../../base/f32-error';
import { unitElements } from '../../types/lib/columns';
import { typeOf, type QuantType } from '../../types/types';
import { LANE_GROUP_ROWS, type MatmulMethod } from './variants';
import { CHUNK } from '../../ops/weight-layout';

export interface MatmulShape {
  readonly type: QuantType;
  /** Elements of a row of W. */
  readonly nIn: number;
  /** Rows of W in the binding that one dispatch sees (a slab of a tiled matrix, one expert). */
  readonly nOut: number;
  /** Rows of x that meet the same matrix, about: decides how wide entries of the work list are. */
  readonly rowsPerMatrix: number;
  /** Matrices that one dispatch sees, where more than one. */
  readonly matrices?: number;
}

export interface MatmulDevice {
  readonly isSoftware: boolean;
  /** Lanes that are sure to share a subgroup as neighbours; 0 without usable subgroups. */
  readonly subgroupLanes: number;
}

/** Rows of x that a lane group takes at once. */
const FEW_ROWS = 8;
/** Tiles that keep a large GPU busy; with fewer, smaller ones are faster. */
const ENOUGH_TILES = 256;
/** Tiles, of the smallest, below which lane groups are faster: they make four times as many workgroups. */
const FEWEST_TILES = 64;

/**
 * The method for a shape on a device. It depends on nothing else, so that a run can be repeated bit for bit.
 * Software adapters take longer over a barrier or a shuffle than over the sums that it saves: one lane a row of W is best there. Rows of
 * W that are no multiple of 32 (floats only) would put rows of x anywhere: the naive kernel.
 */
export function chooseMethod(shape: MatmulShape, device: MatmulDevice): MatmulMethod {
  const { rowsPerMatrix } = shape;
  if (shape.nIn % CHUNK !== 0) return { kind: 'naive', tile: 8 };
  if (device.isSoftware) return { kind: 'lane', tile: 8 };
  const tile = rowsPerMatrix > FEW_ROWS ? chooseTile(shape) : undefined;
  if (tile !== undefined) return tile;
  const width = rowsPerMatrix > 4 ? 8 : rowsPerMatrix > 2 ? 4 : rowsPerMatrix > 1 ? 2 : 1;
  const wanted = laneGroupLanes(shape);
  if (device.subgroupLanes < 4)
    return { kind: 'workgroup', tile: width, laneGroupRows: LANE_GROUP_ROWS, lanes: wanted };
  return { kind: 'subgroup', tile: width, laneGroupRows: LANE_GROUP_ROWS, lanes: atMost(wanted, device.subgroupLanes) };
}

/** How the methods that fit a step's products add up: tiles, for many rows alone, add term by term, the others 32 terms at a time. */
export function sumOrderOf(nTokens: number, { isSoftware }: Pick<MatmulDevice, 'isSoftware'>): SumOrder {
  return isSoftware || nTokens <= FEW_ROWS ? 'chunked' : 'any';
}

/** The tallest tile that makes enough workgroups; undefined where none does. */
function chooseTile({ nOut, rowsPerMatrix, matrices = 1 }: MatmulShape): MatmulMethod | undefined {
  const columns = Math.ceil(rowsPerMatrix / 32) * matrices;
  for (const laneRows of [8, 4, 2] as const) {
    const groups = Math.ceil(nOut / (8 * laneRows)) * columns;
    if (groups >= (laneRows === 2 ? FEWEST_TILES : ENOUGH_TILES)) return { kind: 'tile', tile: 32, laneRows };
  }
  return undefined;
}

/** As many lanes as a row has units, up to 32: on thin grids the walk along a row is what takes time. */
function laneGroupLanes({ type, nIn }: MatmulShape): 8 | 16 | 32 {
  const units = nIn / unitElements(typeOf(type).columns);
  return units > 16 ? 32 : units > 8 ? 16 : 8;
}

function atMost(lanes: 8 | 16 | 32, limit: number): 4 | 8 | 16 | 32 {
  if (lanes <= limit) return lanes;
  return limit >= 16 ? 16 : limit >= 8 ? 8 : 4;
}
