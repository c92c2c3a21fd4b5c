import { fail } from '../base/errors';
import type { Capture } from '../model/engine';
import type { StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { type Provenance, type Trace } from '../trace/trace';
import { causeFromText } from './cause';
import { inForwardOrder, type BlameContext } from './blame';
import { compareStep, type CompareContext } from './compare-step';
import { evidenceClause } from './evidence';
import { NO_FLIPS, type FlipState } from './flip-state';
import { NonFiniteWatch, nonFiniteOf } from './non-finite';
import { limitsOf } from './limits';
import { matchCaptures, type MatchedStep } from './match-captures';
import type { CompareMode, Report, RoutingRow, Row, RunMode, Verdict } from './report';
import { rolesOf } from './roles';
import { COMPARE_MODES, runModeOf } from './run-mode';
import { routingRows } from './routing-rows';
import { checkSameRun } from './same-run';
import { judge } from './verdict';
import { CHOSEN_EXPERTS, ROUTER_LOGITS, ROUTER_PROBS } from '../model/stage-roles';
import { locationKey } from '../model/location';

/** One engine: as it fed itself, fed with the reference's inputs, or both; of a reference also what the candidate's own inputs give. At least one. */
export interface EngineTraces {
  readonly free?: Trace;
  readonly isolated?: Trace;
  readonly local?: Trace;
}

/** All traces of an engine. */
export function tracesOf({ free, isolated, local }: EngineTraces): readonly Trace[] {
  return [free, isolated, local].filter((trace) => trace !== undefined);
}

export interface CompareTracesOptions {
  /** Free-running cosine below which a row diverges. */
  readonly cosineLimit?: number;
  /** Only these stages. */
  readonly stages?: readonly StageId[];
  /** Only these layers. */
  readonly layers?: (layer: number) => boolean;
  /** What only one trace holds is left out and noted, instead of reported as `missing`. */
  readonly common?: boolean;
  /** Compare although the traces are of different models or tokens. */
  readonly force?: boolean;
}

/** What a report says of a comparison; fields as in {@link Report}. */
export interface TraceComparison {
  readonly run: Pick<Report['run'], 'tokens' | 'positions' | 'stages' | 'layers' | 'mode' | 'arms'>;
  readonly limits: Report['limits'];
  readonly verdict: Verdict;
  readonly poison?: Report['poison'];
  /** Forward order, free-running before isolated. */
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  /** What is not known, does not agree or was left out. */
  readonly notes: readonly string[];
}

/**
 * Compares saved traces as a live run compares its engines: the same rows and the same verdict where the traces hold what the run
 * captured. `b` is the reference: its isolated trace stands against that of `a` where both have one, else its free one; its local one against
 * the free one of `a`. Isolated rows are judged by their bounds where `b` holds any, else by the cosine.
 * @throws TracerError `trace-mismatch`: another model or other tokens (unless `force`), shapes that differ, or nothing in common.
 */
export function compareTraces(a: EngineTraces, b: EngineTraces, options: CompareTracesOptions = {}): TraceComparison {
  const notes: string[] = [];
  const rows: Row[] = [];
  const routing: RoutingRow[] = [];
  const limits = limitsOf(options.cosineLimit);
  const engines = { a: engineOf(a), b: engineOf(b) };
  const watches = {
    a: new NonFiniteWatch(engines.a, a.free === undefined ? 'isolated' : 'free'),
    b: new NonFiniteWatch(engines.b, 'free'),
  };
  for (const mode of COMPARE_MODES) {
    const trace = mode === 'local' ? a.free : a[mode];
    const reference = mode === 'local' ? b.local : (b[mode] ?? b.free ?? b.isolated);
    if (trace === undefined || reference === undefined) continue;
    notes.push(
      ...checkSameRun(trace.provenance, reference.provenance, options.force ?? false),
      ...originNotes(trace, reference, mode),
    );
    const matched = matchCaptures(trace, reference);
    notes.push(...matched.notes);
    const steps = matched.steps.map((step) => chosenPart(step, options)).filter((step) => step.stages.length > 0);
    const nExpert = expertCount([trace, reference]);
    let flips: FlipState = NO_FLIPS;
    for (const step of steps) {
      // Each engine is looked at once: as it ran free where it did.
      if (isFirst(mode, a)) {
        watches.a.step(step.layer, capturesOf(step, 'a'));
        watches.b.step(step.layer, capturesOf(step, 'b'));
      }
      const context = {
        ...engines,
        mode,
        stages: step.stages,
        nExpert,
        cosineLimit: limits.cosine,
        ratioLimit: limits.ratio,
        ...termsFrom([trace, reference]),
        ...orderOf(reference),
      };
      const compared = compareStep(step.layer, step.a, step.b, mode === 'free' ? flips : NO_FLIPS, context);
      flips = compared.flips;
      rows.push(...compared.rows);
      if (step.layer !== undefined && isFirst(mode, a)) {
        routing.push(...routingRows(step.layer, step.a, step.b));
      }
    }
  }
  if (!rows.some((row) => row.count > 0)) throw nothingInCommon(notes);
  const traces = [b.free, b.isolated, b.local, a.isolated, a.free].filter((trace) => trace !== undefined);
  const positions = positionsOf(traces);
  const tokens = traces.find((trace) => trace.provenance.tokens !== undefined)?.provenance.tokens ?? [];
  const context = blameContext(traces, a.isolated?.provenance.hints ?? b.local?.provenance.hints, routing);
  const { verdict, rows: judgedRows } = judge(
    {
      rows,
      limits,
      complete: true,
      layersDone: layersOf(rows).length,
      nTokens: tokens.length === 0 ? positions.length : tokens.length,
      engines: [engines.a, engines.b],
    },
    context,
  );
  const { hparams } = context;
  const evidence =
    verdict.status === 'match' && hparams !== undefined ? evidenceClause({ rows, routing, hparams }) : '';
  return {
    run: {
      tokens,
      positions,
      stages: [...new Set(rows.map((row) => row.stage))],
      layers: layersOf(rows),
      mode: modeOf(rows),
      arms: [engines.a, engines.b],
      ...rolesOf([engines.a, engines.b]),
    },
    limits,
    verdict: { ...verdict, sentence: verdict.sentence + evidence },
    ...nonFiniteOf(watches.a.found(), watches.b.found()),
    rows: COMPARE_MODES.flatMap((mode) => inForwardOrder(judgedRows, mode)),
    routing,
    notes: [...new Set(notes)],
  };
}

/** The mode that looks at each engine by itself: as it ran free, where it did. */
function isFirst(mode: CompareMode, a: EngineTraces): boolean {
  return mode === 'free' || (mode === 'isolated' && a.free === undefined);
}

function capturesOf(step: MatchedStep, side: 'a' | 'b'): readonly Capture[] {
  return step.stages.flatMap((stage) => step[side].get(stage) ?? []);
}

function chosenPart(step: MatchedStep, { stages, layers, common }: CompareTracesOptions): MatchedStep {
  const isChosen = step.layer === undefined || layers === undefined || layers(step.layer);
  return {
    ...step,
    stages: step.stages.filter(
      (stage) =>
        isChosen &&
        (stages === undefined || stages.includes(stage)) &&
        (common !== true || (step.a.has(stage) && step.b.has(stage))),
    ),
  };
}

function originNotes(a: Trace, b: Trace, mode: CompareMode): readonly string[] {
  const printed = (
    [
      ['A', a],
      ['B', b],
    ] as const
  ).flatMap(([side, { provenance }]) =>
    provenance.decimals === undefined
      ? []
      : [`${side} was printed with ${provenance.decimals} decimals: what is smaller is not compared`],
  );
  const notes = (a.provenance.inject ?? []).map((spec) => `fault injected into A on purpose: ${spec}`);
  notes.push(...printed);
  if (a.provenance.routing === 'reference') notes.push("A used the reference's experts");
  if (b.provenance.mode !== mode && mode === 'free')
    notes.push("B is an isolated trace: its stages were fed another engine's inputs");
  const bounded = [...b.captures.values()].some((captured) => captured.bound !== undefined);
  if (mode !== 'free' && !bounded) notes.push('B holds no bounds: isolated stages are judged by the cosine');
  return notes;
}

/** From the model; else from the router's width; else as many as the largest id asks for. */
function expertCount(traces: readonly Trace[]): number {
  const known = traces.flatMap((trace) => trace.provenance.hparams?.nExpert ?? []);
  const captures = traces.flatMap((trace) => [...trace.captures.values()]);
  const widths = captures.flatMap(({ stage, shape }) =>
    stage === ROUTER_PROBS || stage === ROUTER_LOGITS ? (shape[1] ?? []) : [],
  );
  const ids = captures.filter((captured) => captured.stage === CHOSEN_EXPERTS);
  let largest = -1;
  for (const captured of ids) for (const id of captured.data) if (id > largest) largest = id;
  return known[0] ?? widths[0] ?? largest + 1;
}

/** The order of sums that a reference's bounds stand on. */
function orderOf({ provenance: { sumOrder } }: Trace): Pick<CompareContext, 'sumOrder'> {
  return sumOrder === undefined ? {} : { sumOrder };
}

/** Row lengths of products, where a trace tells its model's sizes. */
function termsFrom(traces: readonly Trace[]): Pick<CompareContext, 'termsOf'> {
  const hparams = traces.find((trace) => trace.provenance.hparams !== undefined)?.provenance.hparams;
  return hparams === undefined ? {} : { termsOf: (stage) => termsOf(stage, hparams) };
}

function engineOf(traces: EngineTraces): string {
  return tracesOf(traces)[0]?.provenance.arm ?? 'none';
}

function blameContext(
  traces: readonly Trace[],
  hints: Provenance['hints'],
  routing: readonly RoutingRow[],
): BlameContext {
  const types = traces.find((trace) => trace.provenance.weightTypes !== undefined)?.provenance.weightTypes;
  const choices = new Map(routing.map((row) => [`${row.layer}/${row.position}`, row]));
  return {
    hparams: traces.find((trace) => trace.provenance.hparams !== undefined)?.provenance.hparams,
    typeOf: (tensor) => types?.[tensor],
    expertAt: (layer, position, slot) => {
      const row = choices.get(`${layer}/${position}`);
      return (row?.b ?? row?.a)?.experts[slot];
    },
    hintAt: (layer, stage) => {
      const text = hints?.[locationKey(layer, stage)];
      return text === undefined ? undefined : { text, cause: causeFromText(text) };
    },
  };
}

function layersOf(rows: readonly Row[]): readonly number[] {
  return [...new Set(rows.flatMap((row) => row.layer ?? []))].sort((x, y) => x - y);
}

function positionsOf(traces: readonly Trace[]): readonly number[] {
  const positions = traces.flatMap((trace) => [...trace.captures.values()].flatMap((captured) => captured.positions));
  return [...new Set(positions)].sort((x, y) => x - y);
}

function modeOf(rows: readonly Row[]): RunMode {
  return runModeOf(rows.map(({ mode }) => mode)) ?? 'free';
}

function nothingInCommon(notes: readonly string[]): Error {
  return fail(
    'trace-mismatch',
    'The traces have no stage, layer and position in common.',
    'Compare traces of the same stages, layers and positions.',
    { notes: notes.join('; ') },
  );
}
