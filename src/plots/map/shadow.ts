import type { Row } from '../../divergence/report';
import { CHOSEN_EXPERTS } from '../../model/stage-roles';
import { stageSpec, type StageId } from '../../model/stages';
import { isHot, type Bin } from './measure';
import type { MapData, Shade } from './map-types';

/** Below this share of the limit an error that arrives is what honest rounding makes. */
const REACHED = 1e-4;

/**
 * The shadow of the first wrong tensor: places after it whose own kernel is right and whose input is not. It begins where the free-running
 * error has left its limit, is not finite or follows a flip; below the limit it is half. Free-running errors cast none: they are it.
 */
export function shadowOf(
  data: MapData,
  stageAt: ReadonlyMap<StageId, number>,
  stage: StageId,
  layer: number | undefined,
): Shade {
  if (!isAfterFirst(data, stageAt, stage, layer) || isHot(data.bin(stage, layer))) return 'none';
  const free = data.row('free', stage, layer);
  if (free === undefined) return 'none';
  if (free.verdict !== 'match') return 'full';
  return shadeOf(free.relL2, data.limit);
}

/** The same of one captured position. `own` is its bin in the page's measure. */
export function shadowAtPosition(data: MapData, free: Row | undefined, own: Bin, cell: Shade, index: number): Shade {
  if (cell === 'none' || isHot(own) || free === undefined) return 'none';
  const value = free.perPosition?.[index];
  if (stageSpec(free.stage).values === 'index') return value === 0 ? 'none' : 'full';
  // No expert in common: all of it follows the flip.
  if (value === undefined || !(value <= data.limit)) return 'full';
  const position = data.view.positions[index] ?? -1;
  return isFlipped(data, free.layer, position, free.stage) ? 'full' : shadeOf(value, data.limit);
}

function shadeOf(l2: number | undefined, limit: number): Shade {
  if (l2 === undefined) return 'none';
  if (!(l2 <= limit)) return 'full';
  return l2 / limit > REACHED ? 'half' : 'none';
}

/** Whether the token chose other experts in this layer, for the stages that its choice decides. */
function isFlipped(data: MapData, layer: number | undefined, position: number, stage: StageId): boolean {
  const chosen = data.row('free', CHOSEN_EXPERTS, layer);
  const at = data.rows.findIndex((row) => row.stage === stage);
  const router = data.rows.findIndex((row) => row.stage === CHOSEN_EXPERTS);
  return at >= router && (chosen?.flips?.some((flip) => flip.position === position) ?? false);
}

function isAfterFirst(
  { first, measure, culprits, before }: MapData,
  stageAt: ReadonlyMap<StageId, number>,
  stage: StageId,
  layer: number | undefined,
): boolean {
  if (first === undefined || measure.basis === 'free' || culprits.size === 0) return false;
  const place = (l: number | undefined, s: StageId): number => {
    if (l !== undefined) return l + (stageAt.get(s) ?? 0) / (stageAt.size + 1);
    if (before.some((row) => row.stage === s)) return -1;
    return 1e9 + (stageSpec(s).operation === 'linear' ? 1 : 0);
  };
  return place(layer, stage) > place(first.layer, first.stage);
}
