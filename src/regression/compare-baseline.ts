import { fail } from '../base/errors';
import type { BaselineResult, Finding, Report } from '../divergence/report';
import { short } from '../base/format';
import { adapterName, baselineRow, inPlace, limitKey, type Baseline, type BaselineRow } from './baseline';

/**
 * Holds a run to an accepted one. On the same adapter bits decide; on another one the limits of the baseline do. New flips and new values
 * that are not finite fail everywhere, and so does a row whose verdict was a match and is none.
 * @throws TracerError `baseline-mismatch` when it is of another model, prompt or plan.
 */
export function compareBaseline(report: Report, baseline: Baseline): BaselineResult {
  checkSameRun(report, baseline);
  const byBits = isSameAdapter(report, baseline);
  const accepted = new Map(baseline.rows.map((row) => [inPlace(row), row]));
  const limits = new Map(baseline.limits.map((limit) => [limitKey(limit), limit]));
  const findings: Finding[] = [];
  let changed = 0;
  /** Rows whose bits the baseline does not know. */
  let unknown = 0;
  for (const current of report.rows) {
    const now = baselineRow(current);
    const was = accepted.get(inPlace(now));
    accepted.delete(inPlace(now));
    const at = { mode: now.mode, layer: now.layer, stage: now.stage } as const;
    if (was === undefined) {
      findings.push({ ...at, kind: 'new', was: 'not there', now: now.verdict });
      continue;
    }
    const rowByBits = byBits && was.bits !== undefined;
    if (was.bits === undefined && now.bits !== undefined) unknown++;
    else if (was.bits !== now.bits) changed++;
    findings.push(...moves(was, now, rowByBits).map((move) => ({ ...at, ...move })));
    const limit = rowByBits ? undefined : limits.get(limitKey(now));
    const value = limit === undefined ? undefined : now[limit.metric];
    // After a flip the two runs see other experts: the flip itself is what is judged.
    if (limit === undefined || value === undefined || now.verdict === 'after-flip') continue;
    if (!(value <= limit.limit)) {
      const [before = 0] = [was[limit.metric]];
      findings.push({
        ...at,
        kind: 'limit',
        was: `${limit.metric} ${short(before)}`,
        now: `${short(value)}, limit ${short(limit.limit)}`,
        reason: limit.reason,
      });
    }
  }
  for (const gone of accepted.values()) {
    findings.push({
      mode: gone.mode,
      layer: gone.layer,
      stage: gone.stage,
      kind: 'missing',
      was: gone.verdict,
      now: 'not there',
    });
  }
  const status = findings.length > 0 ? 'moved' : changed + unknown > 0 ? 'within' : 'same';
  const held = byBits ? 'bits' : 'limits';
  const result = { status, held, rows: report.rows.length, findings } as const;
  return { ...result, sentence: sentenceOf(result, changed, unknown) };
}

type Move = Pick<Finding, 'kind' | 'was' | 'now'>;

function moves(was: BaselineRow, now: BaselineRow, byBits: boolean): readonly Move[] {
  const found: Move[] = [];
  if (now.bad > was.bad) found.push({ kind: 'non-finite', was: `${was.bad} not finite`, now: String(now.bad) });
  const fresh = now.flips.filter((flip) => !was.flips.includes(flip));
  if (fresh.length > 0) found.push({ kind: 'flip', was: was.flips.join(' ') || 'no flips', now: fresh.join(' ') });
  if (was.verdict === 'match' && now.verdict !== 'match' && now.verdict !== 'after-flip') {
    found.push({ kind: 'verdict', was: was.verdict, now: now.verdict });
  }
  if (byBits && was.bits !== now.bits) {
    found.push({ kind: 'bits', was: measured(was), now: measured(now) });
  }
  return found;
}

function measured({ relL2, maxRatio, bits }: BaselineRow): string {
  const figures = [
    ...(relL2 === undefined ? [] : [`relative L2 ${short(relL2)}`]),
    ...(maxRatio === undefined ? [] : [`error / bound ${short(maxRatio)}`]),
  ];
  return figures.length === 0 ? `bits ${bits ?? 'unknown'}` : figures.join(', ');
}

function isSameAdapter(report: Report, baseline: Baseline): boolean {
  if (report.runtime !== baseline.runtime) return false;
  const now = report.adapter === undefined ? undefined : adapterName(report.adapter);
  return JSON.stringify(now) === JSON.stringify(baseline.adapter);
}

/** What is known of a run before its first layer. */
export interface KnownInput {
  readonly headerSha256: string;
  readonly tokens: readonly number[];
}

/** Looks at a run's model and prompt before it is run. @throws TracerError `baseline-mismatch` as {@link compareBaseline} would after it */
export function checkSameInput({ model, run }: Baseline): (input: KnownInput) => void {
  return ({ headerSha256, tokens }) => {
    checkPairs([
      ['model header', model.headerSha256, headerSha256],
      ['tokens', run.tokens.join(), tokens.join()],
    ]);
  };
}

function checkSameRun(report: Report, baseline: Baseline): void {
  const { run } = baseline;
  checkSameInput(baseline)({ headerSha256: report.model.headerSha256, tokens: report.run.tokens });
  checkPairs([
    ['positions', run.positions.join(), report.run.positions.join()],
    ['stages', run.stages.join(), report.run.stages.join()],
    ['layers', run.layers.join(), report.run.layers.join()],
    ['mode', run.mode, report.run.mode],
    ['arms', run.arms.join(), report.run.arms.join()],
    ['routing', run.routing ?? 'own', report.run.routing ?? 'own'],
  ]);
}

function checkPairs(pairs: readonly (readonly [what: string, expected: unknown, actual: unknown])[]): void {
  for (const [what, expected, actual] of pairs) {
    if (expected === actual) continue;
    throw fail(
      'baseline-mismatch',
      `The baseline is of another run: its ${what} differ.`,
      'Give the baseline of this model, prompt and plan, or accept this run with --update-baseline.',
      { what, expected: String(expected).slice(0, 200), actual: String(actual).slice(0, 200) },
    );
  }
}

/** `BASELINE: 150 rows are the same bit for bit`, `BASELINE MOVED: 2 of 150 rows, first layer 2, moe_router, free: ...` */
function sentenceOf(
  { status, held, rows, findings }: Omit<BaselineResult, 'sentence'>,
  changed: number,
  unknown: number,
): string {
  if (status === 'within' && changed === 0) {
    return `BASELINE: ${rows - unknown} of ${rows} rows are the same bit for bit; ${unknown} whose bits the older baseline does not have are within their limits`;
  }
  if (status === 'same') return `BASELINE: ${rows} rows are the same bit for bit`;
  if (status === 'within') {
    return `BASELINE: ${changed} of ${rows} rows have other bits, as another adapter may; all within their limits`;
  }
  const [first] = findings;
  if (first === undefined) return 'BASELINE MOVED';
  const place = first.layer === undefined ? first.stage : `layer ${first.layer}, ${first.stage}`;
  const count = new Set(findings.map(inPlace)).size;
  const how = held === 'bits' ? 'same adapter, bit for bit' : 'another adapter, within limits';
  return `BASELINE MOVED: ${count} of ${rows} rows (${how}), first ${place}, ${first.mode}: ${first.kind}: ${first.was} -> ${first.now}`;
}
