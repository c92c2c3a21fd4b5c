import { fail } from '../base/errors';
import { REPORT_SCHEMA, type Report } from './report';

const NON_FINITE: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/**
 * JSON text of a report; numbers that are not finite become the strings "NaN", "Infinity", "-Infinity", and the layer of a whole-model
 * stage is null.
 */
export function reportToJson(report: Report, indent?: number): string {
  return plainToJson(report, indent);
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
 * Reads a report. Strings in number places become numbers again, except under the keys that hold text.
 * @throws TracerError `trace-format`.
 */
export function reportFromJson(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text, (key, v: unknown) => {
      if (TEXT_KEYS.has(key)) return v;
      return key === 'layer' && v === null ? undefined : (NON_FINITE.get(v) ?? v);
    });
  } catch (cause) {
    throw fail('trace-format', 'This is not JSON.', 'Give a report that MoEscope wrote.', {}, cause);
  }
  if (!isReport(value)) {
    const schema = typeof value === 'object' && value !== null && 'schema' in value ? String(value.schema) : '(none)';
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
  const run: Report['run'] = { ...value.run, ...tokenTextsOf(text) };
  return { ...value, run };
}

/** A token may well read "NaN": the texts are taken as they stand. */
function tokenTextsOf(text: string): Pick<Report['run'], 'tokenTexts'> {
  const plain: { readonly run?: { readonly tokenTexts?: readonly string[] } } = JSON.parse(text);
  return plain.run?.tokenTexts === undefined ? {} : { tokenTexts: plain.run.tokenTexts };
}

/** Keys whose values are words of people or models: "NaN" there is text. */
const TEXT_KEYS: ReadonlySet<string> = new Set(['prompt', 'text', 'name', 'file', 'sentence', 'description']);

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
