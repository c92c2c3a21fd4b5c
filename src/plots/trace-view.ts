import { without } from '../base/without';
import { liveBackend, type LiveBackend } from '../model/live';
import type { Culprit, EngineCard, NonFinite, Report, Verdict } from '../divergence/report';
import type { HParams } from '../model/hparams';
import { Log, type RoutingLog, type RowLog } from './row-log';
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
  /** Names of the candidate and the reference, by their engines' ids, and as people read them. */
  readonly engines: readonly [string, string];
  readonly sides: readonly [string, string];
  /** The model's sizes, and with them its forward pass, where they are known. */
  readonly hparams?: HParams | undefined;
  readonly limits: { readonly cosine: number; readonly ratio: number };
  /** Grows while a run goes on. */
  readonly rows: RowLog;
  /** Grows while a run goes on. */
  readonly routing: RoutingLog;
  /** Where each engine stops being finite; known when the run has ended. */
  readonly nonFinite?: { readonly a?: NonFinite; readonly b?: NonFinite } | undefined;
  /** ggml type of each tensor by its name in the file, where the file was there to ask. */
  readonly tensorTypes?: Readonly<Record<string, string>> | undefined;
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
    engines: [report.run.arms[0] ?? 'gpu', report.run.arms[1] ?? 'cpu'],
    sides: [sideTitle(report.run.candidate, report.run.arms[0]), sideTitle(report.run.reference, report.run.arms[1])],
    hparams,
    limits: report.limits,
    rows: new Log(report.rows),
    routing: new Log(report.routing),
    verdict: verdictOfPrompt(report),
    nonFinite: report.poison,
    tensorTypes: report.model.tensors.types,
  };
}

/** Figures are of the prompt: what is wrong behind it, or in another way of running it, is no cell of theirs. */
function verdictOfPrompt({ verdict, run }: Report): Verdict {
  const { first } = verdict;
  if (first === undefined || !isBehind(first, tokenTexts(run).length)) return verdict;
  return without(without(verdict, 'first'), 'others');
}

/** Whether a culprit is of a token behind a prompt of so many, or of another way of running it. */
export function isBehind({ metric, position }: Culprit, nTokens: number): boolean {
  return metric === 'choice' || metric === 'bits' || (nTokens > 0 && position >= nTokens);
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

/** A side as people read it: what the engine calls itself, else what its id means. */
export function sideTitle(card: EngineCard | undefined, engine: string | undefined): string {
  if (card?.title !== undefined) return card.title;
  return engineTitle(card?.engine ?? engine ?? '');
}

export function engineTitle(engine: string): string {
  switch (engine) {
    case 'gpu':
      return 'MoEscope WebGPU';
    case 'cpu':
    case 'exact':
      return 'exact f64';
    case 'exact-gpu':
      return 'exact, on the GPU';
    case 'cpu-ggml':
    case 'ggml':
      return 'llama.cpp-like';
    case '':
      return 'nothing';
    default: {
      const backend = liveBackend(engine);
      return backend === undefined ? engine : `llama.cpp · ${BACKENDS[backend]}`;
    }
  }
}

const BACKENDS: Readonly<Record<LiveBackend, string>> = { cpu: 'CPU', vulkan: 'Vulkan', cuda: 'CUDA', metal: 'Metal' };
