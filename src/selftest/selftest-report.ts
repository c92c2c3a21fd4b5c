import { formatMetric, joinWords, plural } from '../base/format';
import type { TOOL } from '../base/version';
import type { AdapterCard } from '../model/adapter-card';
import type { SelftestType } from './selftest-case';

/** Additive changes keep the number. */
export const SELFTEST_SCHEMA = 'moescope-selftest/1';

export const ROW_STATUSES = ['pass', 'fail', 'not-applicable', 'left-out'] as const;
export type RowStatus = (typeof ROW_STATUSES)[number];

/** One kernel variant on one shape. */
export interface SelftestRow {
  /** The shader's path without its ending, and for products the method. */
  readonly kernel: string;
  /** What the kernel's weights, or else its values, are made of. */
  readonly types: readonly SelftestType[];
  readonly shape: string;
  readonly status: RowStatus;
  /** Largest |gpu - exact| / bound; absent where there is none (wrong bits, NaN, a kernel that does not compile, a case that did not run). */
  readonly ratio?: number;
  /** What is wrong, or why the case did not run. */
  readonly note?: string;
}

export interface SelftestReport {
  readonly schema: typeof SELFTEST_SCHEMA;
  readonly tool: typeof TOOL;
  /** ISO 8601. */
  readonly created: string;
  readonly runtime: 'node' | 'browser';
  readonly browser?: { readonly name: string; readonly version: string };
  readonly adapter: AdapterCard;
  readonly seconds: number;
  readonly verdict: SelftestVerdict;
  readonly rows: readonly SelftestRow[];
}

export interface SelftestVerdict {
  readonly status: 'pass' | 'fail';
  readonly sentence: string;
  readonly counts: Readonly<Record<RowStatus, number>>;
}

/** One line of the table: a kernel with all its types and shapes. */
export interface KernelLine {
  readonly kernel: string;
  readonly types: readonly string[];
  readonly counts: Readonly<Record<RowStatus, number>>;
  /** Largest ratio of the cases that have one. */
  readonly worst: number | undefined;
  readonly rows: readonly SelftestRow[];
}

/** How many rows have each status. */
export function countRows(rows: readonly SelftestRow[]): Readonly<Record<RowStatus, number>> {
  const counts: Record<RowStatus, number> = { pass: 0, fail: 0, 'not-applicable': 0, 'left-out': 0 };
  for (const { status } of rows) counts[status]++;
  return counts;
}

/** Rows by kernel, in the order of their first. */
export function kernelLines(rows: readonly SelftestRow[]): readonly KernelLine[] {
  return [...new Set(rows.map(({ kernel }) => kernel))].map((kernel) => {
    const own = rows.filter((row) => row.kernel === kernel);
    const ratios = own.flatMap(({ ratio }) => (ratio === undefined ? [] : [ratio]));
    return {
      kernel,
      types: [...new Set(own.flatMap(({ types }) => types))],
      counts: countRows(own),
      worst: ratios.length === 0 ? undefined : Math.max(...ratios),
      rows: own,
    };
  });
}

/** The verdict of the rows, in one sentence: the same in terminal, page and JSON. */
export function selftestVerdict(rows: readonly SelftestRow[]): SelftestVerdict {
  const counts = countRows(rows);
  const ran = counts.pass + counts.fail;
  const aside = [
    ...(counts['not-applicable'] > 0 ? [`${counts['not-applicable']} not applicable`] : []),
    ...(counts['left-out'] > 0 ? [`${counts['left-out']} left out`] : []),
  ];
  const rest = aside.length === 0 ? '' : `; ${joinWords(aside)}`;
  if (counts.fail > 0) {
    const kernels = kernelLines(rows.filter(({ status }) => status === 'fail')).map(({ kernel }) => kernel);
    const sentence = `FAIL: ${counts.fail} of ${plural(ran, 'case')} out of bounds, in ${joinWords(kernels)}${rest}`;
    return { status: 'fail', sentence, counts };
  }
  // A run in which nothing ran proves nothing.
  if (ran === 0) return { status: 'fail', sentence: `FAIL: no case ran${rest}`, counts };
  const worst = kernelLines(rows).reduce((most, line) => Math.max(most, line.worst ?? 0), 0);
  const sentence = `PASS: all ${plural(ran, 'case')} within bounds, the worst at ${formatMetric(worst)} of its own${rest}`;
  return { status: 'pass', sentence, counts };
}
