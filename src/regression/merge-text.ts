import { markdownText, plainText, shown } from '../base/foreign-text';
import type { SuiteReport } from './merge';
import type { MergedRun } from './merged-run';
import { short } from '../base/format';
import { charts } from './layer-chart';

/** Rows of cells, the first the head. */
type Table = readonly (readonly string[])[];

/** A merged report for people: the sentence, a line a run, and adapters in pairs; in Markdown with a chart of the runs that matter most. */
export function suiteReportText(report: SuiteReport, form: 'plain' | 'markdown'): string {
  const runs: Table = [
    ['run', 'adapter', 'status', 'what'],
    ...report.runs.map((run) => [run.id, run.adapter ?? '–', statusText(run), run.sentence]),
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
  const title = form === 'plain' ? plainText(shown(report.sentence)) : `**${markdownText(report.sentence)}**`;
  const parts = [
    `${title}\n`,
    render(runs),
    ...restarts(report).map((line) => `${form === 'plain' ? plainText(shown(line)) : markdownText(line)}\n`),
  ];
  if (report.pairs.length > 0) parts.push(render(matrix(report)), render(pairs));
  if (form === 'markdown') parts.push(...charts(report.runs));
  return parts.join('\n');
}

/** `pass`, `pass, attempt 2`; the attempts of a run that never ended have all failed. */
function statusText({ status, retried }: MergedRun): string {
  const attempts = status === 'error' ? retried.length : retried.length + 1;
  return attempts <= 1 ? status : `${status}, attempt ${attempts}`;
}

/** Shards that were killed and taken up again. */
function restarts({ how }: SuiteReport): readonly string[] {
  return how.shards.flatMap(({ file, shard, starts }) =>
    starts === undefined ? [] : [`Shard ${shard} (${file}) was started ${starts} times.`],
  );
}

/** Every adapter against every other: how far apart they are at most, and how many rows have the same bits. */
function matrix({ adapters, pairs }: SuiteReport): Table {
  const between = (x: string, y: string): string => {
    if (x === y) return '=';
    const pair = pairs.find(({ a, b }) => (a === x && b === y) || (a === y && b === x));
    if (pair === undefined || pair.rows === 0) return '–';
    return `${pair.worst === undefined ? '0' : short(pair.worst.atMost)}, ${Math.floor((100 * pair.sameBits) / pair.rows)} % same`;
  };
  const letter = (i: number): string => `(${i + 1})`;
  return [
    ['at most apart', ...adapters.map((_, i) => letter(i))],
    ...adapters.map((x, i) => [`${letter(i)} ${x}`, ...adapters.map((y) => between(x, y))]),
  ];
}

function plain(raw: Table): string {
  const table = raw.map((row) => row.map((text) => plainText(shown(text))));
  const columns = table[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...table.map((row) => (row[c] ?? '').length)));
  return table
    .map((row) => `${`  ${row.map((text, c) => text.padEnd(widths[c] ?? 0)).join('  ')}`.trimEnd()}\n`)
    .join('');
}

function markdown([head = [], ...rows]: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}
