import { inPlace, type BaselineRow } from './baseline';
import type { MergedRun } from './merged-run';

/** Two adapters over all runs that both ended. */
export interface AdapterPair {
  readonly a: string;
  readonly b: string;
  readonly runs: number;
  readonly rows: number;
  /** Rows whose values are the same, bit for bit. */
  readonly sameBits: number;
  /** Where bits differ first, suite order and forward order. */
  readonly first?: { readonly id: string; readonly row: string };
  /**
   * The largest bound on their relative distance: both are at a known relative L2 from the same reference, so that they are at most the sum
   * apart (triangle inequality).
   */
  readonly worst?: { readonly id: string; readonly row: string; readonly atMost: number };
  /** Rows with other flips, and runs with another verdict. */
  readonly flips: number;
  readonly verdicts: number;
}

/** Every two adapters against each other. */
export function comparePairs(adapters: readonly string[], runs: readonly MergedRun[]): readonly AdapterPair[] {
  return adapters.flatMap((a, i) => adapters.slice(i + 1).map((b) => comparePair(a, b, runs)));
}

function comparePair(a: string, b: string, runs: readonly MergedRun[]): AdapterPair {
  const of = (adapter: string): ReadonlyMap<string, MergedRun> =>
    new Map(runs.filter((run) => run.adapter === adapter).map((run) => [run.id, run]));
  const [ofA, ofB] = [of(a), of(b)];
  let pair: AdapterPair = { a, b, runs: 0, rows: 0, sameBits: 0, flips: 0, verdicts: 0 };
  for (const [id, { outcome: x }] of ofA) {
    const y = ofB.get(id)?.outcome;
    if (x === undefined || y === undefined) continue;
    const verdicts = pair.verdicts + (x.verdict.status === y.verdict.status ? 0 : 1);
    pair = { ...withRows(pair, id, x.rows, y.rows), runs: pair.runs + 1, verdicts };
  }
  return pair;
}

function withRows(before: AdapterPair, id: string, a: readonly BaselineRow[], b: readonly BaselineRow[]): AdapterPair {
  const others = new Map(b.map((row) => [inPlace(row), row]));
  let { rows, sameBits, first, worst, flips } = before;
  for (const x of a) {
    const row = inPlace(x);
    const y = others.get(row);
    if (y === undefined || x.bits === undefined || y.bits === undefined) continue;
    rows++;
    if (x.flips.join() !== y.flips.join()) flips++;
    if (x.bits === y.bits) {
      sameBits++;
      continue;
    }
    first ??= { id, row };
    const atMost = (x.relL2 ?? 0) + (y.relL2 ?? 0);
    // NaN is larger than everything, and stays.
    if (worst === undefined || (!Number.isNaN(worst.atMost) && !(atMost <= worst.atMost))) worst = { id, row, atMost };
  }
  return {
    ...before,
    rows,
    sameBits,
    flips,
    ...(first === undefined ? {} : { first }),
    ...(worst === undefined ? {} : { worst }),
  };
}
