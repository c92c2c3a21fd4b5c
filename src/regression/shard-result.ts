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
  readonly runs: readonly ShardRun[];
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
