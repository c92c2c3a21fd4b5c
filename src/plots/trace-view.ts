import type { Culprit, Poison, Report, RoutingRow, Row, Verdict } from '../divergence/report';
import { rowIndex } from './trace-index';

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
  /** Grows while a run goes on. */
  readonly rows: readonly Row[];
  /** Grows while a run goes on. */
  readonly routing: readonly RoutingRow[];
  /** Where each arm stops being finite; known when the run has ended. */
  readonly poison?: { readonly a?: Poison; readonly b?: Poison } | undefined;
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
    poison: report.poison,
  };
}

/** One a token; a report that was shared without its prompt has texts (numbers) but no ids. */
function tokenTexts({ tokens, tokenTexts: texts = [] }: Report['run']): readonly string[] {
  return tokens.length === 0 ? texts : tokens.map((id, i) => texts[i] ?? String(id));
}

/** The place that the vertical rule marks: the verdict's, or while there is none the first row that is wrong by itself. */
export function firstPlace(view: TraceView): Pick<Culprit, 'layer' | 'stage' | 'position' | 'mode'> | undefined {
  if (view.verdict !== undefined) return view.verdict.first;
  const row = rowIndex(view.rows).failing;
  return row === undefined
    ? undefined
    : { layer: row.layer, stage: row.stage, position: row.worstPosition ?? 0, mode: row.mode };
}

/** Both arms' names as people read them. */
export function armTitle(arm: string): string {
  if (arm === 'gpu') return 'GPU';
  if (arm === 'cpu') return 'reference';
  if (arm === 'exact-gpu') return 'reference on the GPU';
  if (arm === 'cpu-ggml') return 'llama.cpp-like';
  return arm;
}
