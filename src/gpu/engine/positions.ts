/** Positions first .. first + rows - 1. */
export interface PositionRun {
  readonly first: number;
  readonly rows: number;
}

/** Ascending positions as runs of neighbours, none longer than `atMost`. */
export function positionRuns(positions: readonly number[], atMost: number): readonly PositionRun[] {
  const out: { first: number; rows: number }[] = [];
  for (const position of positions) {
    const last = out.at(-1);
    if (last !== undefined && last.first + last.rows === position && last.rows < atMost) last.rows++;
    else out.push({ first: position, rows: 1 });
  }
  return out;
}

/** All positions of several ascending lists, ascending, each once. */
export function union(lists: Iterable<readonly number[]>): readonly number[] {
  const all = new Set<number>();
  for (const list of lists) for (const position of list) all.add(position);
  return [...all].sort((a, b) => a - b);
}

/** The positions of a run, one by one. */
export function positionsOf({ first, rows }: PositionRun): readonly number[] {
  return Array.from({ length: rows }, (_, i) => first + i);
}
