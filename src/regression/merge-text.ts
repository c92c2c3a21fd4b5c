import { short } from '../divergence/sentence';
import type { SuiteReport } from './merge';

/** Rows of cells, the first the head. */
type Table = readonly (readonly string[])[];

/** A merged report for people: the sentence, a line a run, and adapters in pairs. */
export function suiteReportText(report: SuiteReport, form: 'plain' | 'markdown'): string {
  const runs: Table = [
    ['run', 'adapter', 'status', 'what'],
    ...report.runs.map((run) => [
      run.id,
      run.adapter ?? '–',
      run.retried.length === 0 ? run.status : `${run.status}, attempt ${run.retried.length + 1}`,
      run.sentence,
    ]),
  ];
  const pairs: Table = [
    ['adapters', 'runs', 'rows', 'same bits', 'at most apart', 'first other bits', 'other flips', 'other verdicts'],
    ...report.pairs.map((pair) => [
      `${pair.a} / ${pair.b}`,
      String(pair.runs),
      String(pair.rows),
      String(pair.sameBits),
      pair.worst === undefined ? '0' : `${short(pair.worst.atMost)} (${pair.worst.id}, ${pair.worst.row})`,
      pair.first === undefined ? '–' : `${pair.first.id}, ${pair.first.row}`,
      String(pair.flips),
      String(pair.verdicts),
    ]),
  ];
  const render = form === 'plain' ? plain : markdown;
  const title = form === 'plain' ? report.sentence : `**${cell(report.sentence)}**`;
  return `${title}\n\n${render(runs)}${report.pairs.length === 0 ? '' : `\n${render(pairs)}`}`;
}

function plain(table: Table): string {
  const columns = table[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...table.map((row) => (row[c] ?? '').length)));
  return table
    .map((row) => `${`  ${row.map((text, c) => text.padEnd(widths[c] ?? 0)).join('  ')}`.trimEnd()}\n`)
    .join('');
}

function markdown([head = [], ...rows]: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
