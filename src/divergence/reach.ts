import type { OpName } from '../arch/operations';
import { LARGEST_F32 } from '../base/f32-error';
import { stageSpec, type StageId } from '../model/stages';
import type { Headroom, Row } from './report';

/** Smallest normal f32: below, GPUs may flush to 0. */
const SMALLEST_NORMAL_F32 = 2 ** -126;

/** Largest finite f16. */
const LARGEST_F16 = 65504;

/**
 * Whether a stage's exact values, or sums within it that its candidate got wrong, are larger than f32 goes. A product shows its infinity; a norm divides by it,
 * and its values are 0.
 */
export function beyondF32({ stage, reach, infA = 0, nanA = 0, verdict }: Row): boolean {
  if (reach === undefined) return false;
  if (reach.largest > LARGEST_F32) return true;
  const isWrong = infA + nanA > 0 || (NORMS.has(stageSpec(stage).operation) && verdict === 'diverge');
  return isWrong && (reach.largestSum ?? 0) > LARGEST_F32;
}

const NORMS: ReadonlySet<string> = new Set<OpName>(['rmsnorm', 'l2norm']);

/** Whether a stage has values, and all of them are smaller than f32 goes. */
export function belowF32({ reach }: Row): boolean {
  return reach !== undefined && reach.largest > 0 && reach.largest < SMALLEST_NORMAL_F32;
}

/** The reach of each stage over its layers, in the order of the stages' first rows. */
export function headroomOf(rows: readonly Row[]): readonly Headroom[] {
  const found = new Map<StageId, { largest: number; layer: number | undefined; largestSum: number | undefined }>();
  for (const { stage, layer, reach } of rows) {
    if (reach === undefined || stageSpec(stage).values === 'index') continue;
    const known = found.get(stage) ?? { largest: -1, layer: undefined, largestSum: undefined };
    const larger = reach.largest > known.largest ? { largest: reach.largest, layer } : {};
    const sum = reach.largestSum ?? -1;
    const largestSum = sum > (known.largestSum ?? -1) ? sum : known.largestSum;
    found.set(stage, { ...known, ...larger, largestSum });
  }
  return [...found].map(([stage, { largest, layer, largestSum }]) => ({
    stage,
    layer,
    largest,
    ...(largestSum === undefined ? {} : { largestSum }),
    fitsF16: Math.max(largest, largestSum ?? 0) <= LARGEST_F16,
  }));
}
