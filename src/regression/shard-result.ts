import { fail, type ErrorData } from '../base/errors';
import type { BaselineResult, Report, Verdict } from '../divergence/report';
import { plainToJson, revived } from '../divergence/report-json';
import { adapterName, baselineRow, type AdapterName, type BaselineRow } from './baseline';
import type { Shard } from './shards';
import { SUITE_SCHEMA, type Suite } from './suite';

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
}

/** One run as a shard made it. */
export interface ShardRun {
  readonly id: string;
  readonly seconds: number;
  /** Errors of the attempts that failed, in order; the last of them stands where there is no outcome. */
  readonly failures: readonly ErrorData[];
  readonly outcome?: RunOutcome;
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

/**
 * What a shard that was killed had done, to go on from; undefined where the file is of another suite, shard or version. The run in which
 * it ended counts as an attempt that failed: one that takes the machine down does so a limited number of times.
 */
export function resumable(
  before: ShardResult,
  now: Pick<ShardResult, 'suite' | 'shard' | 'tool'>,
): Resumed | undefined {
  const key = ({ suite, shard, tool }: typeof now): string => JSON.stringify({ suite, shard, tool });
  if (key(before) !== key(now)) return undefined;
  const { running } = before;
  const ended: ErrorData = {
    code: 'run-cancelled',
    message: 'The shard ended in the middle of this run.',
    detail: {},
    remedy: 'See why the machine, or its job, ended.',
  };
  return {
    starts: before.starts ?? 1,
    runs: before.runs.filter((run) => run.id !== running),
    ...(running === undefined
      ? {}
      : {
          broken: {
            id: running,
            failures: [...(before.runs.find((run) => run.id === running)?.failures ?? []), ended],
          },
        }),
  };
}

/** What {@link resumable} finds. */
export interface Resumed {
  readonly starts: number;
  /** Runs that ended. */
  readonly runs: readonly ShardRun[];
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

/** Reads a shard's result. @throws TracerError `trace-format` */
export function shardFromJson(text: string, name: string): ShardResult {
  let value: unknown;
  try {
    value = revived(JSON.parse(text));
  } catch (cause) {
    throw badShard(name, 'it is not JSON', cause);
  }
  if (!isShard(value)) throw badShard(name, `it has no schema ${SHARD_SCHEMA}`);
  return value;
}

function isShard(value: unknown): value is ShardResult {
  if (typeof value !== 'object' || value === null) return false;
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  const suite = fields.get('suite');
  return (
    fields.get('schema') === SHARD_SCHEMA &&
    typeof suite === 'object' &&
    suite !== null &&
    'schema' in suite &&
    suite.schema === SUITE_SCHEMA &&
    typeof fields.get('shard') === 'object' &&
    Array.isArray(fields.get('runs'))
  );
}

function badShard(name: string, why: string, cause?: unknown): Error {
  return fail(
    'trace-format',
    `${name} is no result of a shard: ${why}.`,
    'Give files that moescope suite wrote.',
    { name },
    cause,
  );
}
