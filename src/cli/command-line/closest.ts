/** The word that a misspelt one was probably meant to be: the nearest one, at most a third of its letters away; undefined where none is near. */
export function closest(word: string, words: readonly string[]): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const candidate of words) {
    const away = distance(word, candidate);
    if (away < least && away <= Math.max(1, Math.floor(candidate.length / 3))) {
      least = away;
      found = candidate;
    }
  }
  return found;
}

/** Letters to insert, leave out, replace, or exchange with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const at = (di: number, dj: number): number => (di === 0 ? row : rows[i - di])?.[j - dj] ?? Infinity;
      let cost = Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(2, 2) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? Infinity;
}
