import { plural } from '../base/format';
import { without } from '../base/without';
import { STAGES } from '../model/stages';
import { causeFromText } from './cause';
import { REPORT_SCHEMA, type Report, type RunStatus } from './report';
import { rolesOf } from './roles';
import { CHOSEN_EXPERTS } from '../model/stage-roles';

/** The first edition's reports: `poisoned`, no roles, no causes, and 0 for positions of which nothing was compared. */
export const REPORT_SCHEMA_1 = 'moescope-report/1';

type Members = Record<string, unknown>;

/**
 * A report of schema 1 as one of schema 2, in place. Members of a wrong type are left as they are, for the check of the report to name.
 * Zeros of positions that have no expert in common become "not compared", as far as the report's flips tell.
 */
export function upgradeReport(value: Members): void {
  value['schema'] = REPORT_SCHEMA;
  const { verdict, run, rows } = value;
  if (isMembers(verdict)) {
    if (verdict['status'] === 'poisoned') verdict['status'] = 'not-finite' satisfies RunStatus;
    for (const culprit of [verdict['first'], ...listOf(verdict['others'])]) {
      if (!isMembers(culprit) || typeof culprit['hint'] !== 'string') continue;
      const cause = causeFromText(culprit['hint']);
      if (cause !== undefined) culprit['cause'] = cause;
    }
  }
  if (isMembers(run)) {
    Object.assign(run, rolesOf(listOf(run['arms']).filter((engine) => typeof engine === 'string')));
  }
  clearUncompared(listOf(rows), positionsOf(run));
}

/** Stages that are compared slot by slot, by expert. */
const SLOT_STAGES: ReadonlySet<unknown> = new Set(
  STAGES.flatMap(({ id, shape, values }) => (shape.includes('nExpertUsed') && values !== 'index' ? [id] : [])),
);

/** Takes the zeros of positions with disjoint choices out of free-running rows that are compared by expert. */
function clearUncompared(rows: readonly unknown[], positions: readonly unknown[]): void {
  const disjoint = new Map<unknown, Set<unknown>>();
  for (const row of rows) {
    if (!isMembers(row) || row['stage'] !== CHOSEN_EXPERTS || row['mode'] !== 'free') continue;
    const perPosition = listOf(row['perPosition']);
    // 1 - Jaccard: 1 where the sets have nothing in common.
    disjoint.set(row['layer'], new Set(positions.filter((_, i) => perPosition[i] === 1)));
  }
  for (const row of rows) {
    if (!isMembers(row) || row['mode'] !== 'free' || !SLOT_STAGES.has(row['stage'])) continue;
    const none = disjoint.get(row['layer']);
    if (none === undefined || none.size === 0 || !Array.isArray(row['perPosition'])) continue;
    row['perPosition'] = row['perPosition'].map((x: unknown, i) => (none.has(positions[i]) && x === 0 ? undefined : x));
  }
}

function positionsOf(run: unknown): readonly unknown[] {
  return isMembers(run) ? listOf(run['positions']) : [];
}

const STATUS_1: Readonly<Record<RunStatus, string>> = {
  match: 'match',
  diverged: 'diverged',
  'not-finite': 'poisoned',
  // A reader of schema 1 knows no shades between right and wrong, and must not take any of these for right.
  suspicious: 'diverged',
  'ill-conditioned': 'diverged',
  'out-of-range': 'diverged',
  incomplete: 'incomplete',
};

/** The report for a reader of schema 1. What that schema cannot say is left out, and a note names it. */
export function asSchema1(report: Report): object {
  const rows = report.rows.filter((row) => row.mode !== 'local');
  const left = report.rows.length - rows.length;
  const notes = [
    ...(report.notes ?? []),
    ...(left === 0 ? [] : [`${plural(left, 'local comparison')} left out: schema 1 has no place for them`]),
  ];
  return {
    ...report,
    schema: REPORT_SCHEMA_1,
    run: without(report.run, 'candidate', 'reference'),
    verdict: { ...report.verdict, status: STATUS_1[report.verdict.status] },
    ...(notes.length === 0 ? {} : { notes }),
    rows: rows.map((row) =>
      without(
        row,
        'perPositionRatio',
        ...(row.perPosition?.includes(undefined) === true ? (['perPosition'] as const) : []),
      ),
    ),
  };
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
