/** Cuts a list, in order, into runs whose sizes add up to at most `most`; an item larger than that is a run of its own. */
export function batches<T>(items: readonly T[], size: (item: T) => number, most: number): readonly (readonly T[])[] {
  const out: T[][] = [];
  let sum = Infinity;
  for (const item of items) {
    const bytes = size(item);
    if (sum + bytes > most) {
      out.push([]);
      sum = 0;
    }
    out.at(-1)?.push(item);
    sum += bytes;
  }
  return out;
}
