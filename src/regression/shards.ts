import { fail } from '../base/errors';
import { suiteRuns, type Suite, type SuiteRun } from './suite';

/** Part `index` of `count`, from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 1, count: 1 };

/** Reads `2/3`. @throws TracerError `usage` */
export function parseShard(raw: string): Shard {
  const [, index, count] = /^(\d{1,4})\/(\d{1,4})$/.exec(raw.trim()) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw fail('usage', `"${raw}" is no shard.`, 'Write i/n with i from 1 to n, for example 2/3.', { actual: raw });
}

/** What a run of unknown cost counts as, where others are known: their mean; else one. */
function costsOf(suite: Suite, runs: readonly SuiteRun[]): ReadonlyMap<string, number> {
  const known = runs.flatMap((run) => suite.seconds?.[run.id] ?? []);
  const mean = known.length === 0 ? 1 : known.reduce((sum, s) => sum + s, 0) / known.length;
  return new Map(runs.map((run) => [run.id, suite.seconds?.[run.id] ?? mean]));
}

/**
 * The runs of one shard: the costliest first, each to the shard with the least so far (Graham's longest-processing-time rule: at most 4/3 of
 * the best). The same on every machine; every run is in exactly one shard.
 */
export function runsOfShard(suite: Suite, shard: Shard): readonly SuiteRun[] {
  const runs = suiteRuns(suite);
  const costs = costsOf(suite, runs);
  const costOf = (run: SuiteRun): number => costs.get(run.id) ?? 0;
  const loads = new Array<number>(shard.count).fill(0);
  const mine = new Set<string>();
  const order = new Map(runs.map((run, i) => [run.id, i]));
  const byCost = [...runs].sort((x, y) => costOf(y) - costOf(x) || (order.get(x.id) ?? 0) - (order.get(y.id) ?? 0));
  for (const run of byCost) {
    let least = 0;
    for (let s = 1; s < loads.length; s++) if ((loads[s] ?? 0) < (loads[least] ?? 0)) least = s;
    loads[least] = (loads[least] ?? 0) + costOf(run);
    if (least === shard.index - 1) mine.add(run.id);
  }
  return runs.filter((run) => mine.has(run.id));
}
