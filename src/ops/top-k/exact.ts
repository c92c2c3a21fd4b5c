/**
 * The `k` largest of p[at .. at + n), descending, ties to the lower index. NaN ranks below every number, -Infinity included, and
 * NaNs rank among themselves by index, so a router full of NaN still gives k different experts: always the same ones.
 * @param groups of the token: of so many equal groups, neighbours each, only those that are chosen have a part
 */
export function topK(
  p: Float64Array,
  at: number,
  n: number,
  k: number,
  out: Uint32Array,
  outAt: number,
  groups?: { readonly count: number; readonly chosen: Uint32Array },
): void {
  const taken = new Uint8Array(n);
  if (groups !== undefined) {
    const size = n / groups.count;
    taken.fill(1);
    for (const group of groups.chosen) taken.fill(0, group * size, (group + 1) * size);
  }
  for (let slot = 0; slot < k; slot++) {
    let best = -1;
    for (let i = 0; i < n; i++) {
      if (taken[i] === 0 && (best < 0 || outranks(p[at + i]!, p[at + best]!))) best = i;
    }
    taken[best] = 1;
    out[outAt + slot] = best;
  }
}

/** Whether `a` goes strictly before `b` when the larger goes first and NaN last. */
function outranks(a: number, b: number): boolean {
  return a > b || (Number.isNaN(b) && !Number.isNaN(a));
}
