import { throwIfAborted } from '../base/abort';
import { yielder } from '../base/yielder';
import { withPauses } from '../base/pieces';
import type { SumOrder } from '../base/f32-error';
import { toErrorData, TracerError } from '../base/errors';
import { settle } from '../base/settle';
import { flipsBehind, stepInPieces, type CompareContext, type Captures } from '../divergence/compare-step';
import { NO_FLIPS, type FlipState } from '../divergence/flip-state';
import type { LocalErrors } from '../judge/local-errors';
import { modesOf } from '../divergence/run-mode';
import type { CompareMode, Coverage, Report, RoutingRow, Row } from '../divergence/report';
import type { Engine, IsolatingEngine, StepOptions, StepResult, Capture } from '../model/engine';
import { checkTokens } from '../model/check-step';
import type { KernelUse } from '../model/kernel-use';
import { checkScores, parsePlan, type TracePlan } from '../model/plan';
import { stageSpec, type StageId } from '../model/stages';
import { isF32 } from '../model/engines';
import { keptStages } from '../arch/walk';
import { graphOf } from '../model/graph-of';
import { NonFiniteWatch } from '../divergence/non-finite';
import { alongside, walksTogether } from './alongside';
import { buildReport } from './build-report';
import { coverageOf, kernelsSince } from './coverage';
import { decodePasses, decodesOf, type DecodePasses } from './decode-passes';
import { KeptStates, type DecodedToken } from './decode-run';
import { BlamedStep } from './isolate-blamed';
import { ProductSamples } from './product-samples';
import type { SessionEngines, SessionInput } from './session-input';
import { routingRows } from '../divergence/routing-rows';
import { LocalWatch, type LocalWatchInput } from './local-watch';
import { runMemory, captureBytes } from './run-memory';
import { deliverLocal, deliverCaptures } from './deliver-captures';
import { LayerQueue } from './judging/layer-queue';
import { comparableOf, compareContext, takenOf, type StepJudged, type StepWork } from './judging/step-work';
import { stepCaptures, type StepCaptures, type StepName } from './step-captures';
import { TimeBook } from './time-book';
import { CHOSEN_EXPERTS, EMBEDDING, LAYER_OUTPUT, LOGITS } from '../model/stage-roles';

/**
 * Runs a prompt through the engines in lockstep, layer by layer, compares as it goes, and tells everything as events.
 * @returns the report. @throws TracerError `run-cancelled`, `plan-*`, `prompt-*`, or what an engine threw; the matching event is sent first.
 */
export async function runSession(input: SessionInput): Promise<Report> {
  let run: Run | undefined;
  try {
    run = new Run(input);
    const report = await run.go();
    input.onEvent({ type: 'done', report });
    return report;
  } catch (error) {
    await run?.drop();
    const data = toErrorData(error);
    input.onEvent(
      data.code === 'run-cancelled'
        ? { type: 'cancelled', layersDone: run?.layersDone ?? 0 }
        : { type: 'failed', error: data },
    );
    throw error instanceof TracerError ? error : new TracerError(data, { cause: error });
  }
}

class Run {
  layersDone = 0;
  readonly #in: SessionInput;
  /** The candidate is another engine after its device was lost. */
  #engines: SessionEngines;
  /** The residual stream of the candidate after the last finished step, (nTokens, nEmbd). */
  #hidden: Capture['data'] | undefined;
  /** A step that the candidate makes while the reference is at the one before. */
  #ahead: { readonly step: StepName; readonly result: Promise<StepResult | undefined> } | undefined;
  /** The reference's result of the current step, reused when the candidate is retried. */
  #held: { readonly step: StepName; readonly result: StepResult } | undefined;
  readonly #tokens: Uint32Array<ArrayBuffer>;
  readonly #plan: TracePlan;
  /** Both sides feed themselves, and are compared. */
  readonly #free: boolean;
  readonly #isolate: boolean;
  readonly #local: LocalWatch | undefined;
  /** Layers that other threads judge. */
  readonly #queue: LayerQueue | undefined;
  /** What is wrong by its own inputs, where it can be isolated. */
  readonly #blamed: BlamedStep | undefined;
  /** Tokens behind the prompt to judge, and what the candidate keeps for them. */
  readonly #decodes: number;
  readonly #states = new KeptStates();
  /** The side runs as a whole, and not only where it is needed for another. */
  readonly #runs: { readonly a: boolean; readonly b: boolean };
  /** How the candidate adds up products. */
  readonly #sumOrder: SumOrder;
  readonly #kept: ReadonlyMap<string, number>;
  /** The candidate is given the reference's experts. */
  readonly #forced: boolean;
  readonly #rows: Row[] = [];
  readonly #routing: RoutingRow[] = [];
  readonly #times = new TimeBook();
  #flips: FlipState = NO_FLIPS;
  readonly #samples: ProductSamples;
  readonly #nonFinite: { readonly a: NonFiniteWatch; readonly b: NonFiniteWatch };
  #peakTrace = 0;
  /** What ran behind the prompt. */
  #behind: Omit<DecodePasses, 'tokens'> = { kernels: [], paths: [], continued: undefined };
  readonly #usesBefore: readonly KernelUse[];

  constructor(input: SessionInput) {
    const { spec, hparams, engines } = input;
    this.#in = input;
    this.#engines = { ...engines };
    this.#usesBefore = engines.a?.kernelUses?.() ?? [];
    checkTokens(spec.tokens, hparams.nVocab);
    this.#tokens = Uint32Array.from(spec.tokens);
    this.#plan = parsePlan(spec, hparams, spec.tokens.length);
    checkScores(this.#plan, hparams.nHead, spec.tokens.length);
    this.#sumOrder = engines.a?.sumOrder?.(this.#tokens.length) ?? 'any';
    this.#kept = keptStages(graphOf(hparams).graph);
    const both = engines.a !== undefined && engines.b !== undefined;
    this.#samples = new ProductSamples(hparams, this.#sumOrder);
    const modes = modesOf(spec.mode);
    this.#isolate = both && modes.has('isolated') && engines.a.isolate !== undefined;
    this.#forced = both && spec.routing === 'reference';
    this.#free = !both || modes.has('free');
    this.#local =
      both && modes.has('local') && engines.b.isolate !== undefined
        ? this.#watchOf({ positions: this.#plan.positions, sumOrder: this.#sumOrder })
        : undefined;
    this.#queue = this.#layerQueue();
    this.#blamed =
      this.#local === undefined || this.#isolate || this.#forced || engines.quantised !== undefined
        ? undefined
        : new BlamedStep(hparams, this.#plan.positions, this.#tokens.length, { ...spec, sumOrder: this.#sumOrder });
    this.#decodes = this.#local !== undefined && engines.quantised === undefined ? decodesOf(spec) : 0;
    this.#runs = {
      a: this.#free || this.#local !== undefined,
      b: this.#free || this.#isolate || this.#forced || this.#decodes > 0,
    };
    this.#nonFinite = {
      a: new NonFiniteWatch(engines.a?.id ?? '', this.#runs.a ? 'free' : 'isolated'),
      b: new NonFiniteWatch(engines.b?.id ?? '', 'free'),
    };
  }

  async go(): Promise<Report> {
    const { onEvent, adapter, meter, hparams } = this.#in;
    const { nLayer } = hparams;
    const { needBytes } = runMemory(this.#in.spec, hparams, this.#tokens.length);
    onEvent({ type: 'started', nLayer, needBytes, ...(adapter === undefined ? {} : { adapter }) });
    meter.update('embed', 0, 1);
    let input = await this.#step('embed', undefined);
    meter.update('layers', 0, nLayer);
    for (let l = 0; l < nLayer; l++) {
      input = await this.#step(l, input);
      this.layersDone = l + 1;
      if (this.#queue === undefined) meter.update('layers', l + 1, nLayer);
    }
    await this.#queue?.settled();
    meter.update('head', 0, 1);
    await this.#step('end', input);
    this.#rows.push(...((await this.#blamed?.rows(this.#engines, this.#in.signal)) ?? []));
    const decoded = await this.#decode();
    meter.update('report', 1, 1);
    return buildReport({
      parts: this.#in.parts,
      spec: this.#in.spec,
      hparams,
      plan: this.#plan,
      adapter,
      rows: this.#local === undefined ? this.#rows : [...this.#rows, ...this.#local.rows()],
      routing: this.#routing,
      sumOrder: this.#sumOrder,
      times: this.#times,
      layersDone: this.layersDone,
      traceBytes: this.#peakTrace,
      bytesRead: meter.bytes,
      logits: this.#logits,
      engines: [this.#engines.a, this.#engines.b].flatMap((engine) => engine?.id ?? []),
      faults: this.#in.faults ?? [],
      causes: await this.#samples.explain(this.#in.model, this.#local?.rows() ?? [], this.#in.signal),
      decoded,
      continued: this.#behind.continued,
      nonFinite: { a: this.#nonFinite.a.found(), b: this.#nonFinite.b.found() },
      coverage: this.#coverage(),
      live: this.#engines.a?.facts?.(),
    });
  }

  /** Ends what other threads do for a run that ends early. */
  async drop(): Promise<void> {
    await this.#queue?.drop();
  }

  /** The kernels of the run; the device may have been another one from some layer on, whose kernels are told then. */
  #coverage(): Coverage | undefined {
    const { a } = this.#engines;
    const uses = a?.kernelUses?.();
    if (uses === undefined) return undefined;
    const { kernels, paths } = this.#behind;
    const own = kernelsSince(a === this.#in.engines.a ? this.#usesBefore : [], uses);
    return coverageOf([...own, ...kernels], [{ path: 'prompt', ran: true }, ...paths]);
  }

  #logits: { a: Capture | undefined; b: Capture | undefined } = { a: undefined, b: undefined };

  /** One step; where the device of the candidate is lost meanwhile, once more on another one, as often as someone wants. */
  async #step(step: StepName, layerInput: Capture | undefined): Promise<Capture | undefined> {
    for (;;) {
      try {
        const output = await this.#tryStep(step, layerInput);
        this.#held = undefined;
        return output;
      } catch (error) {
        await this.#dropAhead();
        await this.#takeUp(step, error);
      }
    }
  }

  /** Goes on with a new engine where that is possible and wanted. @throws the error itself where it is not */
  async #takeUp(step: StepName, error: unknown): Promise<void> {
    const { reopen, hparams, signal } = this.#in;
    if (!(error instanceof TracerError) || error.code !== 'gpu-lost' || reopen === undefined) throw error;
    const a = await reopen(error, this.layersDone);
    this.#engines = { ...this.#engines, a };
    if (step === 'embed') return;
    const layer = step === 'end' ? hparams.nLayer : step;
    if (!this.#runs.a) {
      await a.begin(this.#tokens, 0, { capture: new Map(), ...this.#options(signal) });
    } else if (this.#hidden instanceof Float32Array && a.restore !== undefined) {
      await a.restore(this.#tokens, layer, this.#hidden, signal);
    } else {
      throw error;
    }
  }

  get #resumable(): boolean {
    return this.#runs.a && this.#in.reopen !== undefined && this.#engines.a?.restore !== undefined;
  }

  /** Runs one step on both engines at once and compares it. @returns the reference's output of the step: the next `layer_input`. */
  async #tryStep(step: StepName, layerInput: Capture | undefined): Promise<Capture | undefined> {
    const engines = this.#engines;
    const { signal } = this.#in;
    throwIfAborted(signal);
    const captures = this.#capturesOf(step);
    if (typeof step === 'number' && this.#queue !== undefined)
      return this.#handOver(step, captures, layerInput, this.#queue);
    if (step === 'embed' && engines.quantised !== engines.a)
      await this.#advance(engines.quantised, step, { capture: new Map() });
    const { a, b, local } = await this.#sides(step, captures);
    if (a !== undefined) this.#times.add(step, engines.a?.id ?? '', a);
    if (b !== undefined) this.#times.add(step, engines.b?.id ?? '', b);
    let isolated: StepResult | undefined;
    const layer = typeof step === 'number' ? step : undefined;
    if (this.#isolate && captures.isolated.size > 0 && engines.a?.isolate !== undefined && b !== undefined) {
      isolated = await engines.a.isolate(
        layer,
        { captures: b.captures, layerInput },
        { capture: captures.isolated, ...this.#options(signal) },
      );
      this.#times.add(step, 'isolated', isolated);
    }
    if (this.#resumable) this.#hidden = a?.captures.get(step === 'embed' ? EMBEDDING : LAYER_OUTPUT)?.data;
    if (b !== undefined) this.#blamed?.hold(layer, { captures: b.captures, layerInput });
    this.#blamed?.judged(layer, local?.errors ?? []);
    await this.#compare(step, captures.planned, a, b?.captures, isolated?.captures, local);
    return b?.captures.get(step === 'embed' ? EMBEDDING : LAYER_OUTPUT);
  }

  #watchOf(how: Pick<LocalWatchInput, 'positions' | 'sumOrder' | 'bridge'>): LocalWatch | undefined {
    const { a, b, quantised } = this.#engines;
    if (a === undefined || b?.isolate === undefined) return undefined;
    return new LocalWatch({
      exact: { id: b.id, isolate: b.isolate },
      quantised,
      hparams: this.#in.hparams,
      ...how,
      candidate: a.id,
      typeOf: (tensor) => this.#in.parts.typeOf(tensor),
    });
  }

  /** Tokens behind the prompt, by what has just run it. */
  async #decode(): Promise<readonly DecodedToken[]> {
    const { a, b } = this.#engines;
    const { hparams, meter, signal } = this.#in;
    const logits = this.#logits.a;
    if (this.#decodes === 0 || a === undefined || b?.isolate === undefined || logits === undefined) return [];
    const { tokens, ...covered } = await decodePasses({
      a,
      b,
      isolate: b.isolate,
      tokens: this.#tokens,
      continues: this.#in.spec.thorough === true,
      openDecoder: this.#in.openDecoder,
      watch: (how) => {
        const watch = this.#watchOf(how);
        if (watch === undefined) throw new Error('the reference cannot be fed');
        return watch;
      },
      plan: this.#plan,
      hparams,
      kept: this.#kept,
      states: this.#states,
      nPrompt: this.#tokens.length,
      logits: logits.data.subarray(-hparams.nVocab),
      count: this.#decodes,
      onToken: (done, of) => {
        meter.update('head', done, of);
      },
      signal,
    });
    this.#behind = covered;
    return tokens;
  }

  /** Both engines' step, and the local errors of the candidate. */
  async #sides(
    step: StepName,
    captures: StepCaptures,
  ): Promise<{
    readonly a?: StepResult | undefined;
    readonly b?: StepResult | undefined;
    readonly local?: LocalErrors | undefined;
  }> {
    const { b: engine } = this.#engines;
    const isHeld = this.#held?.step === step;
    if (
      this.#local === undefined ||
      step === 'embed' ||
      this.#forced ||
      isHeld ||
      !this.#runs.b ||
      engine === undefined ||
      !walksTogether(engine)
    ) {
      const [a, b] = await this.#both(step, captures);
      return { a, b, local: a === undefined ? undefined : await this.#judge(step, captures, a) };
    }
    // The reference makes its own step while it judges the other's: each weight is read and dequantised once for both.
    const a = await this.#underTest(step, captures);
    if (!this.#isolate) this.#lookAhead(step);
    const exact = alongside(engine, typeof step === 'number' ? step : undefined, this.#ofReference(captures));
    const local = a === undefined ? undefined : await this.#judge(step, captures, a, exact.isolate);
    const b = await exact.advanced();
    this.#held = { step, result: b };
    return { a, b, local };
  }

  /** Layers can be judged elsewhere where nothing of one layer's judgement is needed for the next. */
  #layerQueue(): LayerQueue | undefined {
    const { judges } = this.#in;
    const isExact = this.#engines.b?.id === 'cpu';
    if (judges === undefined || this.#local === undefined || this.#isolate || this.#forced || !isExact)
      return undefined;
    return new LayerQueue(judges, this.#tokens, (work, judged) => this.#told(work, judged));
  }

  /** A layer of candidate and reference, judged in another thread while the run goes on. */
  async #handOver(
    layer: number,
    captures: StepCaptures,
    layerInput: Capture | undefined,
    queue: LayerQueue,
  ): Promise<Capture | undefined> {
    const {
      hparams,
      signal,
      onLocalCapture,
      spec: { cosineLimit },
    } = this.#in;
    const { planned } = captures;
    const { positions } = this.#plan;
    const a = await this.#underTest(layer, captures);
    this.#lookAhead(layer);
    const b = await this.#reference(layer, captures);
    if (a === undefined) return undefined;
    this.#times.add(layer, this.#engines.a?.id ?? '', a);
    if (b !== undefined) this.#times.add(layer, this.#engines.b?.id ?? '', b);
    if (this.#resumable) this.#hidden = a.captures.get(LAYER_OUTPUT)?.data;
    if (this.#decodes > 0) this.#states.add(layer, a.captures, this.#kept);
    if (b !== undefined) this.#blamed?.hold(layer, { captures: b.captures, layerInput });
    const [takenA, takenB] = [takenOf(a.captures, planned, positions), takenOf(b?.captures, planned, positions)];
    await this.#deliver(planned, takenA, takenB, undefined);
    const unmeasured = a.unmeasured ?? new Set();
    const work: StepWork = {
      layer,
      stages: planned,
      positions,
      own: a.captures,
      layerInput: this.#local?.handOver(layer, a.captures),
      candidate: this.#engines.a?.id ?? '',
      sumOrder: this.#sumOrder,
      quantised: this.#engines.quantised !== undefined,
      free:
        this.#free && b !== undefined ? { reference: takenB, unmeasured, flips: this.#flips, cosineLimit } : undefined,
      truth: onLocalCapture === undefined ? 'wrong' : 'all',
    };
    if (work.free !== undefined)
      this.#flips = flipsBehind(layer, takenA, comparableOf(takenB, unmeasured), this.#flips, hparams.nExpert);
    await queue.take(work, signal);
    return b?.captures.get(LAYER_OUTPUT);
  }

  /** What another thread found of a layer. */
  async #told(
    { layer, own, stages, positions, free }: StepWork,
    { cost, compareMs, notes, local, truthBytes, ...judged }: StepJudged,
  ): Promise<void> {
    const { meter, hparams } = this.#in;
    this.#times.add(layer, 'local', cost);
    this.#times.addCompare(compareMs);
    meter.bytes += cost.bytesRead;
    this.#peakTrace = Math.max(this.#peakTrace, captureBytes(own) + captureBytes(free?.reference) + truthBytes);
    this.#nonFinite.a.notes(layer, notes.a);
    this.#nonFinite.b.notes(layer, notes.b);
    this.#local?.add(local.errors);
    this.#blamed?.judged(layer, local.errors);
    this.#samples.takeLocal(local, own);
    await deliverLocal(this.#in.onLocalCapture, this.#engines.b?.id, local);
    this.#rows.push(...judged.free);
    meter.update('layers', layer + 1, hparams.nLayer);
    const rows = [...judged.free, ...(this.#local?.provisional(local.errors) ?? [])];
    this.#emit(layer, rows, takenOf(own, stages, positions), free?.reference ?? new Map());
  }

  /** Tells the rows of a step, and how its experts were chosen. */
  #emit(layer: number | undefined, rows: readonly Row[], a: Captures | undefined, b: Captures): void {
    const isPlanned = layer !== undefined && this.#plan.layers.includes(layer);
    const routing = isPlanned ? routingRows(layer, a, b) : [];
    this.#routing.push(...routing);
    if (rows.length > 0 || routing.length > 0) this.#in.onEvent({ type: 'rows', layer, rows, routing });
  }

  /** The candidate makes its next step while the reference computes this one. */
  #lookAhead(step: StepName): void {
    const { nLayer } = this.#in.hparams;
    if (step === 'end') return;
    const next = step === 'embed' ? 0 : step + 1 < nLayer ? step + 1 : 'end';
    const result = this.#underTest(next, this.#capturesOf(next));
    // Met when its turn comes; until then it must not count as unhandled.
    result.catch(() => undefined);
    this.#ahead = { step: next, result };
  }

  /** Ends what was begun ahead of its turn: a run must not start while an engine is busy. */
  async #dropAhead(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.result.catch(() => undefined);
  }

  /** The step's local errors. */
  async #judge(
    step: StepName,
    { planned }: StepCaptures,
    own: StepResult,
    isolate?: IsolatingEngine['isolate'],
  ): Promise<LocalErrors | undefined> {
    if (this.#local === undefined) return undefined;
    // Experts that were given are no choice of the candidate's.
    const stages = this.#forced ? planned.filter((stage) => stageSpec(stage).values !== 'index') : planned;
    const layer = typeof step === 'number' ? step : undefined;
    const how = isolate === undefined ? {} : { isolate };
    const judged = await this.#local.step(layer, stages, own, this.#in.signal, how);
    this.#times.add(step, 'local', judged.cost);
    if (this.#decodes > 0 && typeof step === 'number') this.#states.add(step, own.captures, this.#kept);
    return judged;
  }

  /** Both engines' step: at once, or the reference first where the other is given its experts. */
  async #both(
    step: StepName,
    captures: StepCaptures,
  ): Promise<readonly [StepResult | undefined, StepResult | undefined]> {
    if (this.#forced && typeof step === 'number') {
      const b = await this.#reference(step, captures);
      return [await this.#underTest(step, captures, b?.captures.get(CHOSEN_EXPERTS)), b];
    }
    // Wait for both engines before rethrowing; a run must not start while one is busy.
    return settle([this.#underTest(step, captures), this.#reference(step, captures)]);
  }

  /** The reference's own step. */
  async #reference(step: StepName, captures: StepCaptures): Promise<StepResult | undefined> {
    if (this.#held?.step === step) return this.#held.result;
    // An exact engine that only tells stages alone must hear the tokens.
    if (!this.#runs.b && step !== 'embed') return undefined;
    const result = await this.#advance(this.#engines.b, step, this.#ofReference(captures));
    if (result !== undefined) this.#held = { step, result };
    return result;
  }

  /** The step of the candidate; what it made ahead where it did. @param forced the experts that it is given */
  async #underTest(step: StepName, captures: StepCaptures, forced?: Capture): Promise<StepResult | undefined> {
    if (this.#ahead?.step === step) {
      const { result } = this.#ahead;
      this.#ahead = undefined;
      return result;
    }
    // Even where only isolated stages are wanted, the engine must hear the tokens.
    if (!this.#runs.a && step !== 'embed') return undefined;
    const experts = forced?.data instanceof Uint32Array ? { forcedExperts: forced.data.slice() } : {};
    return this.#advance(this.#engines.a, step, { capture: this.#runs.a ? captures.free : new Map(), ...experts });
  }

  /** What the reference's own step is asked for. */
  #ofReference({ reference, isolated }: StepCaptures): StepOptions {
    const bounds = this.#isolate && isolated.size > 0 && isF32(this.#engines.a?.id ?? '');
    return { capture: reference, bounds, sumOrder: this.#sumOrder, ...this.#options(this.#in.signal) };
  }

  #capturesOf(step: StepName): StepCaptures {
    return stepCaptures(this.#plan, this.#in.hparams, step, this.#tokens.length, {
      isolate: this.#isolate,
      forced: this.#forced,
      local: this.#local !== undefined,
      kept: this.#kept,
      resumable: this.#resumable,
    });
  }

  async #advance(
    engine: Engine | undefined,
    step: StepName,
    what: Omit<StepOptions, 'signal'>,
  ): Promise<StepResult | undefined> {
    if (engine === undefined) return undefined;
    const options: StepOptions = { ...what, ...this.#options(this.#in.signal) };
    if (step === 'embed') return engine.begin(this.#tokens, 0, options);
    return step === 'end' ? engine.end(options) : engine.layer(step, options);
  }

  #options(signal: AbortSignal | undefined): Pick<StepOptions, 'signal'> {
    return signal === undefined ? {} : { signal };
  }

  async #compare(
    step: StepName,
    planned: readonly StageId[],
    ofA: StepResult | undefined,
    b: Captures | undefined,
    isolated: Captures | undefined,
    local: LocalErrors | undefined,
  ): Promise<void> {
    const a = ofA?.captures;
    const started = performance.now();
    const layer = typeof step === 'number' ? step : undefined;
    const engines = this.#engines;
    const { spec, hparams } = this.#in;
    this.#peakTrace = Math.max(
      this.#peakTrace,
      captureBytes(a) + captureBytes(b) + captureBytes(isolated) + captureBytes(local?.truth),
    );
    if (step === 'end') this.#logits = { a: a?.get(LOGITS) ?? isolated?.get(LOGITS), b: b?.get(LOGITS) };
    const takenA = takenOf(a, planned, this.#plan.positions);
    const takenB = takenOf(b, planned, this.#plan.positions);
    const pause = yielder(this.#in.signal);
    // What is not finite is looked for in each engine by itself.
    const of = (captures: Captures | undefined): readonly Capture[] => planned.flatMap((id) => captures?.get(id) ?? []);
    await withPauses(this.#nonFinite.a.inPieces(layer, of(this.#runs.a ? takenA : isolated)), pause);
    await withPauses(this.#nonFinite.b.inPieces(layer, of(takenB)), pause);
    await this.#deliver(planned, takenA, takenB, isolated);
    await deliverLocal(this.#in.onLocalCapture, this.#engines.b?.id, local);
    const held = {
      ...{ layer, stages: planned, candidate: engines.a?.id ?? 'gpu', reference: engines.b?.id ?? 'cpu' },
      ...{ sumOrder: this.#sumOrder, cosineLimit: spec.cosineLimit },
    };
    const context = (mode: CompareMode): CompareContext => compareContext(mode, held, hparams);
    const rows: Row[] = [];
    if (engines.a !== undefined && engines.b !== undefined) {
      if (this.#free) {
        // What the candidate has no value of is unmeasured.
        const comparable = comparableOf(takenB, ofA?.unmeasured);
        const compared = await withPauses(stepInPieces(layer, takenA, comparable, this.#flips, context('free')), pause);
        this.#flips = compared.flips;
        rows.push(...compared.rows);
      }
      if (isolated !== undefined) {
        const compared = await withPauses(stepInPieces(layer, isolated, takenB, NO_FLIPS, context('isolated')), pause);
        this.#samples.take(compared.rows, isolated, b);
        rows.push(...compared.rows);
      }
    }
    this.#rows.push(...rows);
    // Local rows wait for their sisters: an arithmetic is named over all layers.
    if (local !== undefined && this.#local !== undefined) {
      this.#samples.takeLocal(local, a);
      rows.push(...this.#local.provisional(local.errors));
    }
    this.#times.addCompare(performance.now() - started);
    this.#emit(layer, rows, this.#runs.a ? takenA : isolated, takenB);
  }

  async #deliver(planned: readonly StageId[], a: Captures, b: Captures, isolated: Captures | undefined): Promise<void> {
    const engines = this.#engines;
    await deliverCaptures(this.#in.onCapture, planned, [
      [engines.a?.id, this.#runs.a ? a : undefined],
      [engines.b?.id, b],
      [engines.a === undefined ? undefined : `${engines.a.id}-isolated`, isolated],
    ]);
  }
}
