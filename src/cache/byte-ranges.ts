/** Bytes [offset, offset + length) of a file. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** What `kept` (ascending, disjoint) leaves of a range, in order. */
export function missingOf(wanted: ByteRange, kept: readonly ByteRange[]): readonly ByteRange[] {
  const missing: ByteRange[] = [];
  const end = wanted.offset + wanted.length;
  let at = wanted.offset;
  for (const { offset, length } of kept) {
    if (offset >= end) break;
    if (offset > at) missing.push({ offset: at, length: offset - at });
    at = Math.max(at, offset + length);
  }
  if (at < end) missing.push({ offset: at, length: end - at });
  return missing;
}

/** Whether two ranges have a byte in common. */
export function overlap(a: ByteRange, b: ByteRange): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** The part of `of` that lies in `within`; undefined when there is none. */
export function common(of: ByteRange, within: ByteRange): ByteRange | undefined {
  const offset = Math.max(of.offset, within.offset);
  const end = Math.min(of.offset + of.length, within.offset + within.length);
  return end > offset ? { offset, length: end - offset } : undefined;
}
