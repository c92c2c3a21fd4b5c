import { fail } from '../base/errors';
import { plainToJson, revived } from '../divergence/report-json';
import { BASELINE_SCHEMA, type Baseline } from './baseline';
import { BASELINE_SCHEMA_1, upgradeBaseline, type BaselineOfAnySchema } from './baseline-upgrade';

/** A baseline as a text that is read and diffed by people: one line a limit and a row, the rest indented. */
export function baselineToJson(baseline: Baseline): string {
  const { limits, rows, ...head } = baseline;
  const lines = (list: readonly object[]): string => list.map((entry) => `    ${plainToJson(entry)}`).join(',\n');
  const opening = plainToJson(head, 2).replace(/\n}$/, '');
  return `${opening},\n  "limits": [\n${lines(limits)}\n  ],\n  "rows": [\n${lines(rows)}\n  ]\n}\n`;
}

/** Reads a baseline, also one of schema 1. @throws TracerError `trace-format` */
export function baselineFromJson(text: string): Baseline {
  let value: unknown;
  try {
    value = revived(JSON.parse(text));
  } catch (cause) {
    throw fail('trace-format', 'This baseline is not JSON.', 'Write a new one with --update-baseline.', {}, cause);
  }
  if (!isBaseline(value)) {
    const schema = typeof value === 'object' && value !== null && 'schema' in value ? String(value.schema) : '(none)';
    throw fail(
      'trace-format',
      `This is no baseline: its schema is ${schema}.`,
      'Give a file that --update-baseline wrote.',
      { expected: BASELINE_SCHEMA, actual: schema },
    );
  }
  return value.schema === BASELINE_SCHEMA ? { ...value, schema: BASELINE_SCHEMA } : upgradeBaseline(value);
}

function isBaseline(value: unknown): value is BaselineOfAnySchema & { readonly schema: string } {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map(Object.entries(value));
  const isObject = (name: string): boolean => typeof fields.get(name) === 'object' && fields.get(name) !== null;
  return (
    [BASELINE_SCHEMA, BASELINE_SCHEMA_1].some((schema) => fields.get('schema') === schema) &&
    isRun(fields.get('run')) &&
    ['model', 'run', 'tool'].every(isObject) &&
    ['limits', 'rows'].every((name) => Array.isArray(fields.get(name)))
  );
}

/** An upgrade goes through its stages. */
function isRun(run: unknown): boolean {
  return typeof run === 'object' && run !== null && 'stages' in run && Array.isArray(run.stages);
}
