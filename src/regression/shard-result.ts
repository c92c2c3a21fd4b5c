import { ERROR_CODES, fail, toErrorData, type ErrorData } from '../base/errors';
import { ROW_VERDICTS, type BaselineResult, type Report, type Verdict } from '../divergence/report';
import { plainToJson, revived } from '../divergence/report-json';
import { adapterName, baselineRow, type AdapterName, type BaselineRow } from './baseline';
import type { Shard } from './shards';
import { readSuite, suiteRuns, withoutMark, type Suite } from './suite';
import { whatChanged, type MadeBy } from './made-by';
import {
  dictionary,
  finite,
  flag,
  list,
  number,
  oneOf,
  optional,
  record,
  text,
  whole,
  type Check,
} from '../trace/check';

export const SHARD_SCHEMA = 'moescope-shard/1';

/** What is kept of a run: everything that does not change from run to run. */
export interface RunOutcome {
  readonly id: string;
  readonly model: { readonly name: string; readonly headerSha256: string };
  readonly runtime: Report['runtime'];
  readonly adapter?: AdapterName;
  readonly verdict: Verdict;
  readonly baseline?: BaselineResult;
  readonly rows: readonly BaselineRow[];
  /** Where it was made several times, and not with the same bits: a sentence that says where they part. */
  readonly unsteady?: string;
}

/** One run as a shard made it. */
export interface ShardRun {
  readonly id: string;
  readonly seconds: number;
  /** Errors of the attempts that failed, in order; the last of them stands where there is no outcome. */
  readonly failures: readonly ErrorData[];
  readonly outcome?: RunOutcome;
  /** What it was made of. Absent in files of earlier versions. */
  readonly made?: MadeBy;
}

/** What one shard writes, afresh after every run: a killed one leaves what it had done. */
export interface ShardResult {
  readonly schema: typeof SHARD_SCHEMA;
  readonly tool: Report['tool'];
  readonly suite: Suite;
  readonly shard: Shard;
  /** How often this shard was started: more than once where a killed one was resumed. Absent: once. */
  readonly starts?: number;
  /** The run under way when this was written; what a killed shard leaves. */
  readonly running?: string;
  /** Which runs are in this file was decided by another program (Playwright), not by `shard`. */
  readonly assigned?: 'elsewhere';
  readonly runs: readonly ShardRun[];
}

/** What runs of this shard would be made of now. */
export interface Now {
  /** Every run of this shard, by id; undefined: it cannot be told, for example because the model cannot be opened. */
  readonly made: ReadonlyMap<string, MadeBy | undefined>;
  /** The adapter that would run; undefined where it cannot be told before the run, as in a browser. */
  readonly adapter: AdapterName | undefined;
}

/**
 * What an earlier start of this shard had done that still stands: runs that ended, made of what they would be made of now, on the adapter that would run
 * now. The run in which it was killed counts as an attempt that failed: one that takes the machine down does so a limited number of times.
 */
export function resumable(before: ShardResult, now: Now): Resumed {
  const { running } = before;
  const runs: ShardRun[] = [];
  const again: { id: string; why: string }[] = [];
  for (const run of before.runs) {
    if (run.id === running) continue;
    const why = whyAgain(run, now);
    if (why === undefined) runs.push(run);
    else again.push({ id: run.id, why });
  }
  const isMine = running !== undefined && now.made.has(running);
  return {
    starts: before.starts ?? 1,
    runs,
    again,
    ...(isMine
      ? {
          broken: {
            id: running,
            failures: [...(before.runs.find((run) => run.id === running)?.failures ?? []), KILLED],
          },
        }
      : {}),
  };
}

const KILLED: ErrorData = {
  code: 'run-cancelled',
  message: 'The shard ended in the middle of this run.',
  detail: {},
  remedy: 'See why the machine, or its job, ended.',
};

function whyAgain({ id, outcome, failures, made }: ShardRun, now: Now): string | undefined {
  if (!now.made.has(id)) return 'it is no run of this shard any more';
  // A run that took the machine down as often as it may stays what it is.
  if (outcome === undefined) return failures.at(-1)?.code === KILLED.code ? undefined : 'it ended in an error';
  const changed = whatChanged(made, now.made.get(id));
  if (changed !== undefined) return changed;
  if (now.adapter === undefined) return 'the adapter that would run now is not known before the run';
  return JSON.stringify(outcome.adapter) === JSON.stringify(now.adapter)
    ? undefined
    : 'the adapter or its driver changed';
}

/** What {@link resumable} finds. */
export interface Resumed {
  readonly starts: number;
  /** Runs that ended and stand. */
  readonly runs: readonly ShardRun[];
  /** Runs that ended and are to be run again, each with its reason. */
  readonly again: readonly { readonly id: string; readonly why: string }[];
  /** The run that the shard ended in, with its attempts so far. */
  readonly broken?: { readonly id: string; readonly failures: readonly ErrorData[] };
}

export function outcomeOf(id: string, report: Report): RunOutcome {
  const { model, runtime, adapter, verdict, baseline } = report;
  return {
    id,
    model: { name: model.name, headerSha256: model.headerSha256 },
    runtime,
    ...(adapter === undefined ? {} : { adapter: adapterName(adapter) }),
    verdict,
    ...(baseline === undefined ? {} : { baseline }),
    rows: report.rows.map(baselineRow),
  };
}

export function shardToJson(result: ShardResult): string {
  return `${plainToJson(result, 1)}\n`;
}

/** Reads a shard's result, which may be damaged or a stranger's: every member that is used is there and of its type. @throws TracerError `trace-format` */
export function shardFromJson(text: string, name: string): ShardResult {
  let value: unknown;
  try {
    value = revived(JSON.parse(withoutMark(text)));
    SHARD(value, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw badShard(name, 'it is not JSON', error);
    if (error instanceof RangeError) throw badShard(name, 'it is nested without end', error);
    throw error;
  }
  if (!isChecked(value)) throw badShard(name, `it has no schema ${SHARD_SCHEMA}`);
  const { suite, error } = suiteOf(value.suite);
  if (suite === undefined) throw badShard(name, `its suite cannot be read: ${error.message}`, error);
  const ids = new Set(suiteRuns(suite).map(({ id }) => id));
  const stranger = [...value.runs.map(({ id }) => id), ...(value.running === undefined ? [] : [value.running])].find(
    (id) => !ids.has(id),
  );
  if (stranger !== undefined) throw badShard(name, `"${stranger}" is no run of its suite`);
  if (value.shard.index > value.shard.count) throw badShard(name, 'its shard is none');
  return { ...value, suite };
}

function suiteOf(
  value: unknown,
): { readonly suite: Suite; readonly error?: never } | { readonly suite?: never; readonly error: ErrorData } {
  try {
    return { suite: readSuite(value) };
  } catch (error) {
    return { error: toErrorData(error) };
  }
}

/** The whole is told by {@link SHARD}; this tells the compiler. */
function isChecked(value: unknown): value is ShardResult {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'schema') === SHARD_SCHEMA;
}

const WORD = text(4096);
const SENTENCE = text(20_000);
const COUNT = whole(2 ** 40);
const TOOL = record({ name: WORD, version: WORD, commit: WORD });
const FAILURE = record({
  code: oneOf(ERROR_CODES),
  message: SENTENCE,
  detail: dictionary((value, place) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') text(100_000)(value, place);
  }, 1000),
  remedy: SENTENCE,
});
const ROW = record({
  mode: oneOf(['free', 'isolated', 'local']),
  layer: optional(whole(65_536)),
  stage: WORD,
  verdict: oneOf(ROW_VERDICTS),
  bits: optional(WORD),
  relL2: optional(number),
  maxRatio: optional(number),
  bad: COUNT,
  flips: list(WORD, 1 << 20),
});
const BASELINE = record({
  status: oneOf(['same', 'within', 'moved']),
  held: oneOf(['bits', 'limits']),
  rows: COUNT,
  sentence: SENTENCE,
  findings: list(
    record({ kind: WORD, mode: WORD, stage: WORD, was: SENTENCE, now: SENTENCE, reason: optional(SENTENCE) }),
    2_000_000,
  ),
});
const OUTCOME = record({
  id: WORD,
  model: record({ name: WORD, headerSha256: WORD }),
  runtime: oneOf(['node', 'browser']),
  adapter: optional(record({ vendor: WORD, architecture: WORD, device: WORD, description: WORD, isSoftware: flag })),
  verdict: record({ status: WORD, sentence: SENTENCE }),
  baseline: optional(BASELINE),
  rows: list(ROW, 2_000_000),
  unsteady: optional(SENTENCE),
});
const MADE = record({
  model: WORD,
  modelState: WORD,
  options: WORD,
  adapter: WORD,
  runtime: WORD,
  baseline: WORD,
  tool: WORD,
});
const RUN = record({
  id: WORD,
  seconds: finite(0, 1e9),
  failures: list(FAILURE, 10_000),
  outcome: optional(OUTCOME),
  made: optional(MADE),
});
const SHARD: Check = record({
  schema: oneOf([SHARD_SCHEMA]),
  tool: TOOL,
  shard: record({ index: whole(9999, 1), count: whole(9999, 1) }),
  starts: optional(whole(1e6, 1)),
  running: optional(WORD),
  assigned: optional(oneOf(['elsewhere'])),
  runs: list(RUN, 1_000_000),
});

function badShard(name: string, why: string, cause?: unknown): Error {
  return fail(
    'trace-format',
    `${name} is no result of a shard: ${why}.`,
    'Give files that moescope suite wrote.',
    { name },
    cause,
  );
}
