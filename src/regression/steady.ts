import { inPlace } from './baseline';
import type { RunOutcome } from './shard-result';

/** The first row in which two outcomes of the same run have other bits, or that one of them lacks; undefined where there is none. */
export function firstOtherBits(before: RunOutcome, now: RunOutcome): string | undefined {
  const bits = new Map(before.rows.map((row) => [inPlace(row), row.bits]));
  const other = now.rows.find((row) => !bits.has(inPlace(row)) || bits.get(inPlace(row)) !== row.bits);
  if (other !== undefined) return inPlace(other);
  const places = new Set(now.rows.map(inPlace));
  const gone = before.rows.find((row) => !places.has(inPlace(row)));
  return gone === undefined ? undefined : inPlace(gone);
}
