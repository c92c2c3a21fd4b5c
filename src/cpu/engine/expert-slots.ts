import type { Yielder } from '../../base/yielder';
import { inPieces, withPauses } from '../../base/pieces';
import { sharedBytes } from '../../base/shared-memory';
import type { ExactOutput } from '../../ops/exact-op';
import type { MatmulResult } from '../pool/cpu-pool';

/** The (token, slot) pairs of an expert, each as token * nExpertUsed + slot. */
export type ExpertSlots = readonly (readonly [expert: number, members: readonly number[]])[];

/** Pairs grouped by expert; experts ascending, pairs ascending. */
export function slotsByExpert(experts: Uint32Array): ExpertSlots {
  const groups = new Map<number, number[]>();
  for (const [member, expert] of experts.entries()) {
    const group = groups.get(expert);
    if (group === undefined) groups.set(expert, [member]);
    else group.push(member);
  }
  return [...groups].sort(([a], [b]) => a - b);
}

/**
 * What each pair is multiplied with, in the order of `slots`, in memory that workers share.
 * @param x (rows, width) @param slotsOfRow pairs that meet one row of x
 */
export async function gatherRows(
  x: Float64Array,
  width: number,
  slots: ExpertSlots,
  slotsOfRow: number,
  pause: Yielder,
): Promise<Float64Array> {
  const members = slots.flatMap(([, members]) => members);
  const out = new Float64Array(sharedBytes(members.length * width * Float64Array.BYTES_PER_ELEMENT));
  const work = inPieces(out.length, width, (from, to) => {
    for (let at = from; at < to; at += width) {
      const row = Math.floor((members[at / width] ?? 0) / slotsOfRow);
      out.set(x.subarray(row * width, (row + 1) * width), at);
    }
  });
  await withPauses(work, pause);
  return out;
}

/** Results of each expert's pairs, (members, width), as the pairs lie: (tokens, nExpertUsed, width). */
export async function scatterRows(
  results: readonly MatmulResult[],
  width: number,
  slots: ExpertSlots,
  magnitudes: boolean,
  pause: Yielder,
): Promise<ExactOutput> {
  const length = slots.reduce((sum, [, members]) => sum + members.length * width, 0);
  const values = new Float64Array(length);
  const sums = magnitudes ? new Float64Array(length) : undefined;
  for (const [j, [, members]] of slots.entries()) {
    const result = results[j];
    const work = inPieces(members.length * width, width, (from, end) => {
      for (let at = from; at < end; at += width) {
        const to = (members[at / width] ?? 0) * width;
        if (result !== undefined) values.set(result.y.subarray(at, at + width), to);
        if (result?.magnitudes !== undefined) sums?.set(result.magnitudes.subarray(at, at + width), to);
      }
    });
    await withPauses(work, pause);
    if (pause.due()) await pause.yieldToEventLoop();
  }
  return { values, magnitudes: sums };
}
