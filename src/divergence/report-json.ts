import { fail } from '../base/errors';
import { REPORT_SCHEMA, type Report } from './report';
import { asSchema1, REPORT_SCHEMA_1, upgradeReport } from './report-upgrade';

/** Schemas that can be written. */
export const REPORT_SCHEMAS = ['2', '1'] as const;
export type ReportSchema = (typeof REPORT_SCHEMAS)[number];

const NON_FINITE: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/**
 * JSON text of a report; numbers that are not finite become the strings "NaN", "Infinity", "-Infinity"; the layer of a whole-model stage
 * and figures of positions where nothing was compared are null.
 */
export function reportToJson(report: Report, indent?: number, schema: ReportSchema = '2'): string {
  return plainToJson(schema === '1' ? asSchema1(report) : report, indent);
}

/** The same for any part of a report or a comparison. */
export function plainToJson(value: object, indent?: number): string {
  return JSON.stringify(
    value,
    (key, entry: unknown) => {
      if (key === 'layer' && entry === undefined) return null;
      return typeof entry === 'number' && !Number.isFinite(entry) ? String(entry) : entry;
    },
    indent,
  );
}

/**
 * Reads a report, also one of schema 1, which is upgraded. Strings in number places become numbers again, except under the keys that hold text.
 * @throws TracerError `trace-format`.
 */
export function reportFromJson(text: string): Report {
  let value: unknown;
  try {
    value = revived(JSON.parse(text));
    if (isSchema1(value)) upgradeReport(value);
  } catch (cause) {
    throw fail('trace-format', 'This is not JSON.', 'Give a report that MoEscope wrote.', {}, cause);
  }
  if (!isReport(value)) {
    const said = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
    const schema = typeof said === 'string' ? said.slice(0, 60) : '(none)';
    throw fail(
      'trace-format',
      `This JSON is not a MoEscope report: its schema is ${schema}.`,
      `Give a report with schema ${REPORT_SCHEMA}.`,
      {
        expected: REPORT_SCHEMA,
        actual: schema,
      },
    );
  }
  return value;
}

/** The value with its numbers back in place: strings that stand for numbers, and nulls of layers and lists. Changes it in place. */
export function revived(value: unknown): unknown {
  if (typeof value === 'string') return NON_FINITE.get(value) ?? value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const entry: unknown = value[i];
      if (typeof entry !== 'number') value[i] = entry === null ? undefined : revived(entry);
    }
  } else if (typeof value === 'object' && value !== null) {
    const entries = value as Record<string, unknown>;
    for (const key of Object.keys(entries)) {
      const entry = entries[key];
      // Most of a report are numbers, and a page reads several reports before it is first used.
      if (typeof entry === 'number' || TEXT_KEYS.has(key)) continue;
      if (key === 'layer' && entry === null) Reflect.deleteProperty(entries, key);
      else {
        const right = revived(entry);
        if (right !== entry) entries[key] = right;
      }
    }
  }
  return value;
}

/** Keys whose values are words of people or models: a token may well read "NaN". */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  'prompt',
  'text',
  'tokenTexts',
  'name',
  'file',
  'sentence',
  'description',
  // The kind of a value that is not finite: the word NaN.
  'kind',
]);

function isSchema1(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && 'schema' in value && value.schema === REPORT_SCHEMA_1;
}

function isReport(value: unknown): value is Report {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema' in value &&
    value.schema === REPORT_SCHEMA &&
    'rows' in value &&
    Array.isArray(value.rows) &&
    'verdict' in value &&
    'model' in value
  );
}
