import { stageSpec, type StageId } from '../model/stages';
import type { Headroom, Row } from './report';

/** Largest finite f32. What lies beyond it by less than half a step still rounds to it. */
const LARGEST_F32 = 2 ** 128 - 2 ** 104;

/** Smallest normal f32: below, GPUs may flush to 0. */
const SMALLEST_NORMAL_F32 = 2 ** -126;

/** Largest finite f16. */
const LARGEST_F16 = 65504;

/** Whether a stage's exact values, or the partial sums of a product that came out infinite, are larger than f32 goes. */
export function beyondF32({ reach, infA = 0, nanA = 0 }: Row): boolean {
  if (reach === undefined) return false;
  return reach.largest > LARGEST_F32 || ((reach.largestSum ?? 0) > LARGEST_F32 && infA + nanA > 0);
}

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
