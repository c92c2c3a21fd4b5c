import { fail } from '../base/errors';
import { plainText, shown } from '../base/foreign-text';
import { plainToJson } from '../divergence/report-json';
import { adapterWords } from '../model/adapter-card';
import { comparePairs, type AdapterPair } from './adapter-pairs';
import type { MergedRun } from './merged-run';
import type { RunOutcome, ShardResult, ShardRun } from './shard-result';
import { UNSTEADY, unsteadySentence } from '../divergence/unsteady';
import { firstOtherBits } from './steady';
import { runsOfShard } from './shards';
import { readSeconds, suiteRuns, type Suite } from './suite';

export const MERGED_SCHEMA = 'moescope-suite-report/1';

/** Everything that the shards of a suite found. The first part is the same whatever the shards; `how` tells how it came about. */
export interface SuiteReport {
  readonly schema: typeof MERGED_SCHEMA;
  readonly suite: Suite;
  readonly status: 'pass' | 'fail';
  readonly sentence: string;
  /** In the suite's order, adapters in theirs. */
  readonly runs: readonly MergedRun[];
  readonly adapters: readonly string[];
  /** Every two adapters that ran the same. */
  readonly pairs: readonly AdapterPair[];
  readonly how: {
    readonly shards: readonly {
      readonly file: string;
      readonly shard: string;
      readonly runs: number;
      /** How often it was started, where it was more than once. */
      readonly starts?: number;
    }[];
    /** Seconds by run: give them to the suite to balance the next shards. */
    readonly seconds: Readonly<Record<string, number>>;
  };
}

export interface ShardFile {
  readonly file: string;
  readonly result: ShardResult;
}

/**
 * Joins the results of shards. A run that no shard ended is `lost` and fails; a later file's result of the same run on the same adapter
 * replaces an earlier one's, whose attempts stay visible. Where two such results have other bits the run fails: one adapter gives one answer.
 * @throws TracerError `suite-mismatch` when the shards are of different suites; `usage` when there are none.
 */
export function mergeShards(files: readonly ShardFile[]): SuiteReport {
  const [first] = files;
  if (first === undefined) throw fail('usage', 'There is nothing to merge.', 'Name the results of shards.');
  const { suite } = first.result;
  for (const { file, result } of files) {
    if (suiteKey(result.suite) === suiteKey(suite)) continue;
    throw fail(
      'suite-mismatch',
      `${file} and ${first.file} are of different suites.`,
      'Merge results of one suite file only.',
      { first: first.file, other: file },
    );
  }
  checkSameMaking(files);
  const found = gather(files);
  const runs = suiteRuns(suite).flatMap(({ id }): readonly MergedRun[] => {
    const ofRun = [...(found.get(id)?.values() ?? [])].sort((x, y) => compareText(x.adapter ?? '', y.adapter ?? ''));
    return ofRun.length > 0 ? ofRun : [lostRun(id, files)];
  });
  const adapters = [...new Set(runs.flatMap((run) => run.adapter ?? []))].sort(compareText);
  const pairs = comparePairs(adapters, runs);
  const status = runs.every((run) => run.status === 'pass') ? 'pass' : 'fail';
  return {
    schema: MERGED_SCHEMA,
    suite,
    status,
    // For places that print it as it is: the Action's outputs and annotations.
    sentence: plainText(shown(sentenceOf(runs, adapters))),
    runs,
    adapters,
    pairs,
    how: {
      shards: files.map(({ file, result: { shard, runs: done, starts = 1 } }) => ({
        file,
        shard: `${shard.index}/${shard.count}`,
        runs: done.length,
        ...(starts === 1 ? {} : { starts }),
      })),
      seconds: Object.fromEntries(
        files.flatMap(({ result }) => result.runs.map((run) => [run.id, Number(run.seconds.toPrecision(3))])),
      ),
    },
  };
}

/** The adapter of an outcome in words; a software one is always called that. */
export function adapterLabel({ runtime, adapter }: RunOutcome): string {
  if (adapter === undefined) return `no GPU (${runtime})`;
  return `${adapterWords(adapter)}${adapter.isSoftware ? ' (software)' : ''} (${runtime})`;
}

export function suiteReportToJson(report: SuiteReport): string {
  return `${plainToJson(report, 1)}\n`;
}

/** The seconds that runs took, from a merged report. @throws TracerError `trace-format` */
export function secondsFromReport(text: string, name: string): Readonly<Record<string, number>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw noReport(name, cause);
  }
  if (typeof value !== 'object' || value === null || !('schema' in value) || value.schema !== MERGED_SCHEMA) {
    throw noReport(name);
  }
  const how = 'how' in value ? value.how : undefined;
  return typeof how === 'object' && how !== null && 'seconds' in how ? readSeconds(how.seconds) : {};
}

function noReport(name: string, cause?: unknown): Error {
  return fail(
    'trace-format',
    `${name} is no merged report.`,
    'Give what moescope merge --json wrote.',
    { name },
    cause,
  );
}

/**
 * Results are joined where they are of one thing: the same version of MoEscope, under a model's id the same model, under a run's id the same options and baseline.
 * @throws TracerError `suite-mismatch`
 */
function checkSameMaking(files: readonly ShardFile[]): void {
  const seen = new Map<string, { readonly value: string; readonly file: string }>();
  const check = (what: string, value: string | undefined, file: string): void => {
    if (value === undefined) return;
    const before = seen.get(what);
    if (before === undefined) seen.set(what, { value, file });
    else if (before.value !== value) {
      throw fail(
        'suite-mismatch',
        `${file} and ${before.file} are not of the same ${what}.`,
        'Merge results that were made of the same, or run the older ones again.',
        { what, first: before.file, other: file },
      );
    }
  };
  for (const { file, result } of files) {
    const { name, version, commit } = result.tool;
    // A build that no version was put into is unknown, not another one.
    check('version of MoEscope', version === 'dev' ? undefined : `${name} ${version} ${commit}`, file);
    for (const { id, outcome, made } of result.runs) {
      const [model = ''] = id.split('/', 1);
      check(`model "${model}" (header)`, outcome?.model.headerSha256, file);
      check(`model "${model}"`, made?.model, file);
      check(`options of ${id}`, made?.options, file);
      check(`baseline of ${id}`, made?.baseline, file);
    }
  }
}

function gather(files: readonly ShardFile[]): ReadonlyMap<string, ReadonlyMap<string, MergedRun>> {
  const found = new Map<string, Map<string, MergedRun>>();
  for (const { result } of files) {
    for (const run of result.runs) {
      const merged = mergedRun(run);
      const ofRun = found.get(run.id) ?? new Map<string, MergedRun>();
      found.set(run.id, ofRun);
      const before = ofRun.get(merged.adapter ?? '');
      const retried = [...(before?.retried ?? []), ...merged.retried];
      ofRun.set(merged.adapter ?? '', { ...steady(before, merged), retried });
    }
  }
  // An error on one machine is no result where another ended the run.
  for (const ofRun of found.values()) {
    const error = ofRun.get('');
    if (error === undefined || ofRun.size === 1) continue;
    ofRun.delete('');
    for (const [adapter, run] of ofRun) ofRun.set(adapter, { ...run, retried: [...error.retried, ...run.retried] });
  }
  return found;
}

function mergedRun({ id, failures, outcome }: ShardRun): MergedRun {
  const last = failures.at(-1);
  if (outcome === undefined) {
    const sentence = last === undefined ? 'ERROR: nothing is known of it' : `ERROR ${last.code}: ${last.message}`;
    return { id, status: 'error', sentence, retried: failures };
  }
  const moved = outcome.baseline?.status === 'moved';
  const passes = outcome.verdict.status === 'match' && !moved && outcome.unsteady === undefined;
  return {
    id,
    adapter: adapterLabel(outcome),
    status: passes ? 'pass' : 'fail',
    sentence: outcome.unsteady ?? (moved ? outcome.baseline.sentence : outcome.verdict.sentence),
    retried: failures,
    outcome,
  };
}

/** The later of two results of one adapter; a failure where their bits differ. */
function steady(before: MergedRun | undefined, now: MergedRun): MergedRun {
  if (before === undefined || before.sentence.startsWith(UNSTEADY)) return before ?? now;
  if (before.outcome === undefined || now.outcome === undefined) return now;
  const place = firstOtherBits(before.outcome, now.outcome);
  return place === undefined
    ? now
    : { ...now, status: 'fail', sentence: unsteadySentence('another result of this adapter', place) };
}

function lostRun(id: string, files: readonly ShardFile[]): MergedRun {
  const owner = files.find(
    ({ result }) =>
      result.running === id ||
      (result.assigned === undefined && runsOfShard(result.suite, result.shard).some((run) => run.id === id)),
  );
  const where =
    owner === undefined
      ? 'no result of its shard was given'
      : `shard ${owner.result.shard.index}/${owner.result.shard.count} (${owner.file}) ended ${owner.result.running === id ? 'in the middle of it' : 'before it'}`;
  return { id, status: 'lost', sentence: `LOST: ${where}`, retried: [] };
}

/** What makes two suites the same: not their measured seconds. */
function suiteKey(suite: Suite): string {
  return JSON.stringify({ ...suite, seconds: {} });
}

function compareText(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sentence of runs that one shard made. */
export function shardSentence(runs: readonly ShardRun[]): string {
  const merged = runs.map(mergedRun);
  return sentenceOf(merged, [...new Set(merged.flatMap((run) => run.adapter ?? []))]);
}

/** `SUITE: 24 runs on 1 adapter pass`, `SUITE FAILED: 1 of 24 runs: 1 lost, first sample/hello/free: ...` */
function sentenceOf(runs: readonly MergedRun[], adapters: readonly string[]): string {
  const bad = runs.filter((run) => run.status !== 'pass');
  const [first] = bad;
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  if (first === undefined)
    return `SUITE: ${count(runs.length, 'run')} on ${count(adapters.length, 'adapter')} ${runs.length === 1 ? 'passes' : 'pass'}`;
  const kinds = (['fail', 'error', 'lost'] as const).flatMap((kind) => {
    const n = bad.filter((run) => run.status === kind).length;
    return n === 0 ? [] : [`${n} ${kind === 'fail' ? 'failed' : kind === 'error' ? 'with an error' : 'lost'}`];
  });
  return `SUITE FAILED: ${bad.length} of ${count(runs.length, 'run')} (${kinds.join(', ')}), first ${first.id}: ${first.sentence}`;
}
