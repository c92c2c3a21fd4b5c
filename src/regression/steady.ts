import { inPlace } from './baseline';
import type { RunOutcome } from './shard-result';

/** How the sentence of a run begins that gave two answers on one adapter. */
export const UNSTEADY = 'UNSTEADY';

/** The first row in which two outcomes of the same run have other bits, or that one of them lacks; undefined where there is none. */
export function firstOtherBits(before: RunOutcome, now: RunOutcome): string | undefined {
  const bits = new Map(before.rows.map((row) => [inPlace(row), row.bits]));
  const other = now.rows.find((row) => !bits.has(inPlace(row)) || bits.get(inPlace(row)) !== row.bits);
  if (other !== undefined) return inPlace(other);
  const places = new Set(now.rows.map(inPlace));
  const gone = before.rows.find((row) => !places.has(inPlace(row)));
  return gone === undefined ? undefined : inPlace(gone);
}

/** One adapter gives one answer: a run that does not is not to be believed, whatever its verdict. */
export function unsteadySentence(what: string, place: string): string {
  return `${UNSTEADY}: ${what} has other bits than the first, first at ${place}`;
}
