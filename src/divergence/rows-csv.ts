import type { Row } from './report';

/** A column: its name, and what it shows of a row; undefined where the row has no such figure. */
interface Column {
  readonly name: string;
  readonly cell: (row: Row) => string | number | undefined;
}

/** THE COLUMNS of the comparisons' table. Indices are joined by blanks: position, slot, channel. */
export const ROW_COLUMNS: readonly Column[] = [
  { name: 'a', cell: (row) => row.a },
  { name: 'b', cell: (row) => row.b },
  { name: 'mode', cell: (row) => row.mode },
  { name: 'layer', cell: (row) => row.layer },
  { name: 'stage', cell: (row) => row.stage },
  { name: 'verdict', cell: (row) => row.verdict },
  { name: 'count', cell: (row) => row.count },
  { name: 'cosine', cell: (row) => row.cosine },
  { name: 'nmse', cell: (row) => row.nmse },
  { name: 'relL2', cell: (row) => row.relL2 },
  { name: 'maxAbs', cell: (row) => row.maxAbs },
  { name: 'maxAbsIndex', cell: (row) => row.maxAbsIndex?.join(' ') },
  { name: 'rms', cell: (row) => row.rms },
  { name: 'maxRatio', cell: (row) => row.maxRatio },
  { name: 'maxRatioIndex', cell: (row) => row.maxRatioIndex?.join(' ') },
  { name: 'maxEstimate', cell: (row) => row.maxEstimate },
  { name: 'ratios', cell: (row) => row.ratios?.join(' ') },
  { name: 'nanA', cell: (row) => row.nanA },
  { name: 'nanB', cell: (row) => row.nanB },
  { name: 'infA', cell: (row) => row.infA },
  { name: 'infB', cell: (row) => row.infB },
  { name: 'negInfA', cell: (row) => row.negInfA },
  { name: 'negInfB', cell: (row) => row.negInfB },
  { name: 'absMaxA', cell: (row) => row.rangeA?.absMax },
  { name: 'absMinA', cell: (row) => row.rangeA?.absMin },
  { name: 'subnormalsA', cell: (row) => row.rangeA?.subnormals },
  { name: 'absMaxB', cell: (row) => row.rangeB?.absMax },
  { name: 'absMinB', cell: (row) => row.rangeB?.absMin },
  { name: 'subnormalsB', cell: (row) => row.rangeB?.subnormals },
  { name: 'bitsA', cell: (row) => row.bitsA },
  { name: 'worstPosition', cell: (row) => row.worstPosition },
  { name: 'jaccard', cell: (row) => row.jaccard },
  { name: 'flips', cell: (row) => row.flips?.length },
  { name: 'arithmetic', cell: (row) => row.arithmetic },
  { name: 'maxRatioA', cell: (row) => row.maxRatioValues?.a },
  { name: 'maxRatioB', cell: (row) => row.maxRatioValues?.b },
  { name: 'maxRatioBound', cell: (row) => row.maxRatioValues?.bound },
  { name: 'maxAbsA', cell: (row) => row.maxAbsValues?.a },
  { name: 'maxAbsB', cell: (row) => row.maxAbsValues?.b },
  { name: 'uncompared', cell: uncompared },
];

/** Positions of which nothing was compared: their figures are no zeros. */
function uncompared(row: Row): number | undefined {
  return row.perPosition?.filter((x) => x === undefined).length;
}

/** Comparisons as CSV: a header, one line a row, numbers in full (NaN, Infinity, -Infinity as words), empty where nothing was measured. */
export function rowsToCsv(rows: readonly Row[]): string {
  const lines = rows.map((row) => ROW_COLUMNS.map(({ cell }) => quote(String(cell(row) ?? ''))).join(','));
  return [ROW_COLUMNS.map((column) => column.name).join(','), ...lines].map((line) => `${line}\n`).join('');
}

function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
