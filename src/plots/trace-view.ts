import type { Culprit, Report, RoutingRow, Row, Verdict } from '../divergence/report';

/** What the figures show: a finished report, or a run as far as it has come. */
export interface TraceView {
  readonly nLayer: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  /** The layers of the plan, ascending. */
  readonly layers: readonly number[];
  /** Prompt positions captured, ascending; the order of `Row.perPosition`. */
  readonly positions: readonly number[];
  /** The text of every prompt token, by prompt position; its id where there is no text. */
  readonly tokenTexts: readonly string[];
  /** Names of the arm under test and the reference. */
  readonly arms: readonly [string, string];
  readonly limits: { readonly cosine: number; readonly ratio: number };
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  /** Undefined while the run goes on. */
  readonly verdict: Verdict | undefined;
}

/** The view of a finished report. */
export function viewOfReport(report: Report): TraceView {
  const { hparams } = report.model;
  return {
    nLayer: hparams.nLayer,
    nExpert: hparams.nExpert,
    nExpertUsed: hparams.nExpertUsed,
    layers: report.run.layers,
    positions: report.run.positions,
    tokenTexts: tokenTexts(report.run),
    arms: [report.run.arms[0] ?? 'gpu', report.run.arms[1] ?? 'cpu'],
    limits: report.limits,
    rows: report.rows,
    routing: report.routing,
    verdict: report.verdict,
  };
}

/** One a token; a report that was shared without its prompt has texts (numbers) but no ids. */
function tokenTexts({ tokens, tokenTexts: texts = [] }: Report['run']): readonly string[] {
  return tokens.length === 0 ? texts : tokens.map((id, i) => texts[i] ?? String(id));
}

/** The place that the vertical rule marks: the verdict's, or while there is none the first row that is wrong by itself. */
export function firstPlace(view: TraceView): Pick<Culprit, 'layer' | 'stage' | 'position' | 'mode'> | undefined {
  if (view.verdict !== undefined) return view.verdict.first;
  const row = view.rows.find((r) => r.mode === 'isolated' && isFailing(r)) ?? view.rows.find((r) => isFailing(r));
  return row === undefined
    ? undefined
    : { layer: row.layer, stage: row.stage, position: row.worstPosition ?? 0, mode: row.mode };
}

/** Wrong by itself; victims and rows after a flip are not. */
export function isFailing(row: Row): boolean {
  switch (row.verdict) {
    case 'diverge':
    case 'nan-gpu':
    case 'nan-cpu':
    case 'nan-both':
    case 'missing':
      return true;
    case 'match':
    case 'after-flip':
    case 'victim':
    case 'unmeasured':
    case 'not-applicable':
      return false;
  }
}

/** Both arms' names as people read them. */
export function armTitle(arm: string): string {
  if (arm === 'gpu') return 'GPU';
  if (arm === 'cpu') return 'reference';
  return arm;
}
