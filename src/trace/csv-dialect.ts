import { CSV_COLUMNS } from './csv';
import { formatError, shown } from './format-error';

/** How a spreadsheet or a data frame wrote a table of {@link CSV_COLUMNS}. */
export interface CsvDialect {
  readonly separator: ',' | ';' | '\t';
  /** Characters before the header: a byte-order mark. */
  readonly skip: number;
}

export const SEPARATORS = [',', ';', '\t'] as const;
const BYTE_ORDER_MARK = '\ufeff';
/** Longest header: every name quoted, and a mark. */
const HEAD_BYTES = 128;
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['nan', NaN],
  ['-nan', NaN],
  ['infinity', Infinity],
  ['+infinity', Infinity],
  ['-infinity', -Infinity],
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
]);

/** The dialect of a table whose header is that of a trace in long form; undefined for any other text. */
export function csvDialect(bytes: Uint8Array): CsvDialect | undefined {
  const head = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, HEAD_BYTES));
  const skip = head.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const line = head.slice(skip).split(/\r?\n/)[0] ?? '';
  const separator = SEPARATORS.find((s) => splitCells(line, s).join() === CSV_COLUMNS.join());
  return separator === undefined ? undefined : { separator, skip };
}

/** Cells of a row; any of them may be quoted. By hand: a regular expression keeps a place to go back to for every letter of a long cell. */
export function splitCells(row: string, separator: string): string[] {
  if (!row.includes('"')) return row.split(separator);
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let end = row.indexOf(separator, at);
    let cell: string | undefined;
    if (row.startsWith('"', at)) {
      let close = row.indexOf('"', at + 1);
      while (close >= 0 && row[close + 1] === '"') close = row.indexOf('"', close + 2);
      const isClosed = close >= 0 && (close + 1 === row.length || row.startsWith(separator, close + 1));
      if (isClosed) {
        cell = row.slice(at + 1, close).replaceAll('""', '"');
        end = close + 1 === row.length ? -1 : close + 1;
      }
    }
    cells.push(cell ?? row.slice(at, end < 0 ? row.length : end));
    if (end < 0) return cells;
    at = end + 1;
  }
}

/**
 * The cells of one row, as many as there are columns.
 * @throws TracerError `trace-format`, which says so where a decimal comma has made two cells of one
 */
export function rowCells(row: string, { separator }: CsvDialect, place: string): readonly string[] {
  const cells = splitCells(row, separator);
  if (cells.length === CSV_COLUMNS.length) return cells;
  const isDecimalComma =
    separator === ',' &&
    cells.length === CSV_COLUMNS.length + 1 &&
    cells.slice(-2).every((cell) => /^-?\d+(?:e[+-]?\d+)?$/i.test(cell));
  throw formatError(
    place,
    `${CSV_COLUMNS.length} cells: ${CSV_COLUMNS.join(separator)}`,
    row,
    isDecimalComma
      ? 'Decimal commas between commas cannot be told from separators. Export with a decimal point, or with semicolons between the cells.'
      : undefined,
  );
}

/** A value: with a decimal comma where commas do not separate cells; `nan` and `inf` however they are spelt. @throws TracerError `trace-format` */
export function cellNumber(cell: string, { separator }: CsvDialect, place: string): number {
  const word = cell.trim();
  const value = NOT_FINITE.get(word.toLowerCase()) ?? Number(separator === ',' ? word : word.replace(',', '.'));
  if (word === '' || (Number.isNaN(value) && !NOT_FINITE.has(word.toLowerCase()))) {
    throw formatError(place, 'a number, NaN, Infinity or -Infinity', shown(cell));
  }
  return value;
}
