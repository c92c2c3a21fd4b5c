import { formatMetric, plural } from '../base/format';
import { adapterText } from '../model/adapter-card';
import { kernelLines, type KernelLine, type RowStatus, type SelftestReport, type SelftestRow } from './selftest-report';

/** How the table marks a kernel. */
const MARKS: Readonly<Record<RowStatus, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  'not-applicable': 'not applicable',
  'left-out': 'left out',
};

/**
 * A finished self-test for people, with nothing in it but text: the verdict, where it ran, one line a kernel, every case that is red, and why
 * cases did not run.
 * @param everyCase a line for every case as well
 */
export function selftestText(report: SelftestReport, everyCase = false): string {
  const { adapter, browser, seconds, tool, created } = report;
  const facts = [
    ['adapter', adapterText(adapter)],
    ['runtime', browser === undefined ? 'Node, Dawn' : `${browser.name} ${browser.version}`],
    ['tool', `${tool.name} ${tool.version} (${tool.commit}), ${created}`],
    ['took', `${seconds.toFixed(1)} s`],
  ];
  const failed = report.rows.filter(({ status }) => status === 'fail');
  const parts = [
    `${report.verdict.sentence}\n`,
    facts.map(([name = '', text = '']) => `  ${name.padEnd(9)}${text}\n`).join(''),
    kernelTable(kernelLines(report.rows)),
    ...(failed.length === 0 ? [] : [`Out of bounds\n${failed.map(caseText).join('')}`]),
    ...idleTexts(report.rows),
    ...(everyCase ? [`Every case\n${report.rows.map(caseText).join('')}`] : []),
  ];
  return parts.join('\n');
}

/** The worst status of a kernel: what its line is marked with. */
export function lineStatus({ counts }: KernelLine): RowStatus {
  if (counts.fail > 0) return 'fail';
  if (counts.pass > 0) return 'pass';
  return counts['not-applicable'] > 0 ? 'not-applicable' : 'left-out';
}

/** Types of a kernel: by name up to three, else their number. */
export function typesText(types: readonly string[]): string {
  return types.length > 3 ? plural(types.length, 'type') : types.join(' ');
}

/** A row's status as the table says it. */
export function statusText(status: RowStatus): string {
  return MARKS[status];
}

function kernelTable(lines: readonly KernelLine[]): string {
  const rows = [
    ['kernel', 'types', 'ran', 'worst error / bound', ''],
    ...lines.map((line) => [
      line.kernel,
      typesText(line.types),
      ranText(line),
      line.worst === undefined ? '-' : formatMetric(line.worst),
      statusText(lineStatus(line)),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** `12`, or `12 of 40` where some did not run. */
export function ranText({ counts, rows }: KernelLine): string {
  const ran = counts.pass + counts.fail;
  return ran === rows.length ? String(ran) : `${ran} of ${rows.length}`;
}

function caseText({ kernel, types, shape, status, ratio, note }: SelftestRow): string {
  const figure = ratio === undefined ? '' : formatMetric(ratio).padEnd(9);
  const why = note === undefined ? '' : `\n      ${note}`;
  return `  ${statusText(status).padEnd(6)}  ${figure}${kernel}, ${types.join(' ')}: ${shape}${why}\n`;
}

/** Cases that did not run, by reason: never silently missing. */
function idleTexts(rows: readonly SelftestRow[]): readonly string[] {
  return idleReasons(rows).map(
    ({ status, note, kernels, count }) =>
      `${status === 'left-out' ? 'Left out' : 'Not applicable'}: ${plural(count, 'case')} of ${kernels.join(', ')}\n  ${note}\n`,
  );
}

/** A reason why cases did not run, and whose. */
export interface IdleReason {
  readonly status: 'not-applicable' | 'left-out';
  readonly note: string;
  readonly kernels: readonly string[];
  readonly count: number;
}

export function idleReasons(rows: readonly SelftestRow[]): readonly IdleReason[] {
  const reasons = new Map<string, IdleReason>();
  for (const { status, note = '', kernel } of rows) {
    if (status !== 'not-applicable' && status !== 'left-out') continue;
    const before = reasons.get(status + note);
    const kernels = [...new Set([...(before?.kernels ?? []), kernel])];
    reasons.set(status + note, { status, note, kernels, count: (before?.count ?? 0) + 1 });
  }
  return [...reasons.values()];
}
