import { throwIfAborted } from '../base/abort';
import type { SumOrder } from '../base/f32-error';
import { toErrorData, TracerError } from '../base/errors';
import { settle } from '../base/settle';
import type { Cause } from '../divergence/cause';
import { compareStep, type CompareContext, type Taps } from '../divergence/compare-step';
import { NO_FLIPS, type FlipState } from '../divergence/flip-state';
import type { LocalErrors } from '../judge/local-errors';
import { limitsOf } from '../divergence/limits';
import { modesOf } from '../divergence/run-mode';
import type { AdapterCard, CompareMode, Coverage, Report, RoutingRow, Row } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { ArmEngine, IsolatingEngine, StepOptions, StepResult, Tap } from '../model/engine';
import type { Fault } from '../model/faults';
import { checkTokens } from '../model/check-step';
import type { HParams } from '../model/hparams';
import type { KernelUse } from '../model/kernel-use';
import { checkScores, parsePlan, type TracePlan } from '../model/plan';
import { stageSpec, type StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { isF32 } from '../model/arms';
import { keptStages } from '../arch/walk';
import { graphOf, stagesOfStep } from '../model/graph-of';
import type { LiveEngine } from '../model/live';
import { PoisonWatch } from '../divergence/poison';
import { selectPositions } from '../trace/select-positions';
import { alongside, walksTogether } from './alongside';
import { buildReport, type ReportParts } from './build-report';
import type { RunSpec, SessionEvent } from './events';
import { coverageOf } from './coverage';
import { decodeRun, KeptStates, type DecodedToken } from './decode-run';
import { explainProduct } from './explain-product';
import { sampleProduct, type ProductSample } from './product-sample';
import type { ProgressMeter } from './progress';
import { routingRows } from '../divergence/routing-rows';
import { LocalWatch } from './local-watch';
import { ROUTING, stepCaptures, type StepCaptures, type StepName } from './step-captures';
import { TimeBook } from './time-book';
import { CHOSEN_EXPERTS, EMBEDDING, LAYER_OUTPUT, LOGITS } from '../model/stage-roles';
import { locationKey } from '../model/location';

/** Both sides of the comparison, opened and ready; either may be absent when the spec does not ask for it. */
export interface SessionArms {
  /** The arm under test. One that cannot be fed runs free. */
  readonly a?: (ArmEngine & Partial<IsolatingEngine> & Partial<Pick<LiveEngine, 'facts'>>) | undefined;
  /** The reference. Local errors are taken against one that is exact and can be fed. */
  readonly b?: (ArmEngine & Partial<IsolatingEngine>) | undefined;
  /** The reference with quantised activations, which tells the arithmetic of an arm under test that is none of this program's f32 engines. */
  readonly quantised?: IsolatingEngine | undefined;
}

export interface SessionInput {
  readonly spec: RunSpec;
  /** To look into what is wrong; the arms read their own. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly arms: SessionArms;
  /** What was put into the arm under test on purpose. */
  readonly faults?: readonly Fault[];
  readonly meter: ProgressMeter;
  readonly adapter: AdapterCard | undefined;
  /** Everything of the report that the run itself does not know. */
  readonly parts: ReportParts;
  readonly onEvent: (event: SessionEvent) => void;
  /** Every planned tap as it is captured, by arm folder (`gpu`, `gpu-isolated`, `cpu`, `cpu-ggml`); for saving and for the inspector. */
  readonly onTap?: ((folder: string, tap: Tap) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * The device of the arm under test is lost: a new engine of it, once someone wants to go on from the last finished layer. Rejects to end
   * the run. Absent: the run ends.
   */
  readonly reopen?: ((error: TracerError, layersDone: number) => Promise<IsolatingEngine>) | undefined;
}

/**
 * Runs a prompt through the arms in lockstep, layer by layer, compares as it goes, and tells everything as events.
 * @returns the report. @throws TracerError `run-cancelled`, `plan-*`, `prompt-*`, or what an arm threw; the matching event is sent first.
 */
export async function runSession(input: SessionInput): Promise<Report> {
  let run: Run | undefined;
  try {
    run = new Run(input);
    const report = await run.go();
    input.onEvent({ type: 'done', report });
    return report;
  } catch (error) {
    const data = toErrorData(error);
    input.onEvent(
      data.code === 'run-cancelled'
        ? { type: 'cancelled', layersDone: run?.layersDone ?? 0 }
        : { type: 'failed', error: data },
    );
    throw error instanceof TracerError ? error : new TracerError(data, { cause: error });
  }
}

/** Wrong products that are looked into: the first, and a few that may be wrong on their own account. */
const MOST_SAMPLES = 4;

class Run {
  layersDone = 0;
  readonly #in: SessionInput;
  /** The arm under test is another engine after its device was lost. */
  #arms: SessionArms;
  /** The residual stream of the arm under test after the last finished step, (nTokens, nEmbd). */
  #hidden: Tap['data'] | undefined;
  /** A step that the arm under test makes while the reference is at the one before. */
  #ahead: { readonly step: StepName; readonly result: Promise<StepResult | undefined> } | undefined;
  /** The reference's result of the current step, reused when the candidate is retried. */
  #held: { readonly step: StepName; readonly result: StepResult } | undefined;
  readonly #tokens: Uint32Array<ArrayBuffer>;
  readonly #plan: TracePlan;
  /** Both sides feed themselves, and are compared. */
  readonly #free: boolean;
  readonly #isolate: boolean;
  readonly #local: LocalWatch | undefined;
  /** Tokens behind the prompt to judge, and what the arm under test keeps for them. */
  readonly #decodes: number;
  readonly #states = new KeptStates();
  /** The side runs as a whole, and not only where it is needed for another. */
  readonly #runs: { readonly a: boolean; readonly b: boolean };
  /** How the arm under test adds up products. */
  readonly #sumOrder: SumOrder;
  readonly #kept: ReadonlySet<string>;
  /** The arm under test is given the reference's experts. */
  readonly #forced: boolean;
  readonly #rows: Row[] = [];
  readonly #routing: RoutingRow[] = [];
  readonly #times = new TimeBook();
  #flips: FlipState = NO_FLIPS;
  readonly #samples: ProductSample[] = [];
  readonly #poison: { readonly a: PoisonWatch; readonly b: PoisonWatch };
  #peakTrace = 0;
  readonly #usesBefore: readonly KernelUse[];

  constructor(input: SessionInput) {
    const { spec, hparams, arms } = input;
    this.#in = input;
    this.#arms = { ...arms };
    this.#usesBefore = arms.a?.kernelUses?.() ?? [];
    checkTokens(spec.tokens, hparams.nVocab);
    this.#tokens = Uint32Array.from(spec.tokens);
    this.#plan = parsePlan(spec, hparams, spec.tokens.length);
    checkScores(this.#plan, hparams.nHead, spec.tokens.length);
    this.#sumOrder = arms.a?.sumOrder?.(this.#tokens.length) ?? 'any';
    this.#kept = keptStages(graphOf(hparams).graph);
    const both = arms.a !== undefined && arms.b !== undefined;
    const modes = modesOf(spec.mode);
    this.#isolate = both && modes.has('isolated') && arms.a.isolate !== undefined;
    this.#forced = both && spec.routing === 'reference';
    this.#free = !both || modes.has('free');
    this.#local =
      both && modes.has('local') && arms.b.isolate !== undefined
        ? this.#watchOf(this.#plan.positions, this.#sumOrder)
        : undefined;
    this.#decodes = this.#local !== undefined && arms.quantised === undefined ? (spec.decode ?? 0) : 0;
    this.#runs = {
      a: this.#free || this.#local !== undefined,
      b: this.#free || this.#isolate || this.#forced || this.#decodes > 0,
    };
    this.#poison = {
      a: new PoisonWatch(arms.a?.arm ?? '', this.#runs.a ? 'free' : 'isolated'),
      b: new PoisonWatch(arms.b?.arm ?? '', 'free'),
    };
  }

  async go(): Promise<Report> {
    const { onEvent, adapter, meter, hparams } = this.#in;
    const { nLayer } = hparams;
    onEvent({ type: 'started', nLayer, ...(adapter === undefined ? {} : { adapter }) });
    meter.update('embed', 0, 1);
    let input = await this.#step('embed', undefined);
    meter.update('layers', 0, nLayer);
    for (let l = 0; l < nLayer; l++) {
      input = await this.#step(l, input);
      this.layersDone = l + 1;
      meter.update('layers', l + 1, nLayer);
    }
    meter.update('head', 0, 1);
    await this.#step('end', input);
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
      arms: [this.#arms.a, this.#arms.b].flatMap((arm) => arm?.arm ?? []),
      faults: this.#in.faults ?? [],
      causes: await this.#explain(),
      decoded,
      poison: { a: this.#poison.a.found(), b: this.#poison.b.found() },
      coverage: this.#coverage(),
      live: this.#arms.a?.facts?.(),
    });
  }

  /** The kernels of the run; the device may have been another one from some layer on, whose kernels are told then. */
  #coverage(): Coverage | undefined {
    const { a } = this.#arms;
    const uses = a?.kernelUses?.();
    if (uses === undefined) return undefined;
    return coverageOf(a === this.#in.arms.a ? this.#usesBefore : [], uses);
  }

  #logits: { a: Tap | undefined; b: Tap | undefined } = { a: undefined, b: undefined };

  /** One step; where the device of the arm under test is lost meanwhile, once more on another one, as often as someone wants. */
  async #step(step: StepName, layerInput: Tap | undefined): Promise<Tap | undefined> {
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
    this.#arms = { ...this.#arms, a };
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
    return this.#runs.a && this.#in.reopen !== undefined && this.#arms.a?.restore !== undefined;
  }

  /** Runs one step on both arms at once and compares it. @returns the reference's output of the step: the next `layer_input`. */
  async #tryStep(step: StepName, layerInput: Tap | undefined): Promise<Tap | undefined> {
    const arms = this.#arms;
    const { signal } = this.#in;
    throwIfAborted(signal);
    const captures = this.#capturesOf(step);
    if (step === 'embed' && arms.quantised !== arms.a)
      await this.#advance(arms.quantised, step, { capture: new Map() });
    const { a, b, local } = await this.#sides(step, captures);
    if (a !== undefined) this.#times.add(step, arms.a?.arm ?? '', a);
    if (b !== undefined) this.#times.add(step, arms.b?.arm ?? '', b);
    let isolated: StepResult | undefined;
    if (this.#isolate && captures.isolated.size > 0 && arms.a?.isolate !== undefined && b !== undefined) {
      const layer = typeof step === 'number' ? step : undefined;
      isolated = await arms.a.isolate(
        layer,
        { taps: b.taps, layerInput },
        { capture: captures.isolated, ...this.#options(signal) },
      );
      this.#times.add(step, 'isolated', isolated);
    }
    if (this.#resumable) this.#hidden = a?.taps.get(step === 'embed' ? EMBEDDING : LAYER_OUTPUT)?.data;
    await this.#compare(step, captures.planned, a, b?.taps, isolated?.taps, local);
    return b?.taps.get(step === 'embed' ? EMBEDDING : LAYER_OUTPUT);
  }

  #watchOf(positions: readonly number[], sumOrder: SumOrder): LocalWatch | undefined {
    const { a, b, quantised } = this.#arms;
    const { hparams, parts } = this.#in;
    if (a === undefined || b?.isolate === undefined) return undefined;
    return new LocalWatch({
      exact: { arm: b.arm, isolate: b.isolate },
      quantised,
      hparams,
      positions,
      sumOrder,
      candidate: a.arm,
      typeOf: (tensor) => parts.typeOf(tensor),
    });
  }

  /** Tokens behind the prompt, by the engines that have just run it. */
  async #decode(): Promise<readonly DecodedToken[]> {
    const { a, b } = this.#arms;
    const { hparams, meter, signal } = this.#in;
    const logits = this.#logits.a;
    if (this.#decodes === 0 || a === undefined || b === undefined || logits === undefined) return [];
    return decodeRun({
      a,
      b,
      watch: (position) => {
        const watch = this.#watchOf([position], a.sumOrder?.(1) ?? 'any');
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
  }

  /** Both arms' step, and the local errors of the arm under test. */
  async #sides(
    step: StepName,
    captures: StepCaptures,
  ): Promise<{
    readonly a?: StepResult | undefined;
    readonly b?: StepResult | undefined;
    readonly local?: LocalErrors | undefined;
  }> {
    const { b: engine } = this.#arms;
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

  /** The arm under test makes its next step while the reference computes this one. */
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
    if (this.#decodes > 0 && typeof step === 'number') this.#states.add(step, own.taps, this.#kept);
    return judged;
  }

  /** Both arms' step: at once, or the reference first where the other is given its experts. */
  async #both(
    step: StepName,
    captures: StepCaptures,
  ): Promise<readonly [StepResult | undefined, StepResult | undefined]> {
    const arms = this.#arms;
    const reference = async (): Promise<StepResult | undefined> => {
      if (this.#held?.step === step) return this.#held.result;
      // An exact engine that only tells stages alone must hear the tokens.
      if (!this.#runs.b && step !== 'embed') return undefined;
      const result = await this.#advance(arms.b, step, this.#ofReference(captures));
      if (result !== undefined) this.#held = { step, result };
      return result;
    };
    if (this.#forced && typeof step === 'number') {
      const b = await reference();
      return [await this.#underTest(step, captures, b?.taps.get(CHOSEN_EXPERTS)), b];
    }
    // Wait for both engines before rethrowing; a run must not start while one is busy.
    return settle([this.#underTest(step, captures), reference()]);
  }

  /** The step of the arm under test; what it made ahead where it did. @param forced the experts that it is given */
  async #underTest(step: StepName, captures: StepCaptures, forced?: Tap): Promise<StepResult | undefined> {
    if (this.#ahead?.step === step) {
      const { result } = this.#ahead;
      this.#ahead = undefined;
      return result;
    }
    // Even where only isolated stages are wanted, the arm must hear the tokens.
    if (!this.#runs.a && step !== 'embed') return undefined;
    const experts = forced?.data instanceof Uint32Array ? { forcedExperts: forced.data } : {};
    return this.#advance(this.#arms.a, step, { capture: this.#runs.a ? captures.free : new Map(), ...experts });
  }

  /** What the reference's own step is asked for. */
  #ofReference({ reference, isolated }: StepCaptures): StepOptions {
    const bounds = this.#isolate && isolated.size > 0 && isF32(this.#arms.a?.arm ?? '');
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
    engine: ArmEngine | undefined,
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
    b: Taps | undefined,
    isolated: Taps | undefined,
    local: LocalErrors | undefined,
  ): Promise<void> {
    const a = ofA?.taps;
    const started = performance.now();
    const layer = typeof step === 'number' ? step : undefined;
    const arms = this.#arms;
    const { spec, hparams } = this.#in;
    this.#peakTrace = Math.max(
      this.#peakTrace,
      tapBytes(a) + tapBytes(b) + tapBytes(isolated) + tapBytes(local?.truth),
    );
    const at = (taps: Taps | undefined): Taps =>
      new Map([...(taps ?? [])].map(([id, tap]) => [id, selectPositions(tap, this.#plan.positions)]));
    if (step === 'end') this.#logits = { a: a?.get(LOGITS) ?? isolated?.get(LOGITS), b: b?.get(LOGITS) };
    const takenA = at(this.#taken(a, planned));
    const takenB = at(this.#taken(b, planned));
    this.#watch(layer, planned, takenA, takenB, isolated);
    await this.#deliver(planned, takenA, takenB, isolated);
    const limits = limitsOf(spec.cosineLimit);
    const context = (mode: CompareMode): CompareContext => ({
      a: arms.a?.arm ?? 'gpu',
      b: arms.b?.arm ?? 'cpu',
      mode,
      stages: planned,
      computed: new Set(stagesOfStep(hparams, layer)),
      nExpert: hparams.nExpert,
      cosineLimit: limits.cosine,
      ratioLimit: limits.ratio,
      sumOrder: this.#sumOrder,
      termsOf: (stage) => termsOf(stage, hparams),
    });
    const rows: Row[] = [];
    if (arms.a !== undefined && arms.b !== undefined) {
      if (this.#free) {
        // What the arm under test has no value of is unmeasured; one captured value alone would be missing on the other side.
        const comparable = new Map([...takenB].filter(([stage]) => ofA?.unmeasured?.has(stage) !== true));
        const compared = compareStep(layer, takenA, comparable, this.#flips, context('free'));
        this.#flips = compared.flips;
        rows.push(...compared.rows);
      }
      if (isolated !== undefined) {
        const compared = compareStep(layer, isolated, takenB, NO_FLIPS, context('isolated'));
        this.#sample(compared.rows, isolated, b);
        rows.push(...compared.rows);
      }
    }
    this.#rows.push(...rows);
    // Local rows wait for their sisters: an arithmetic is named over all layers.
    if (local !== undefined && this.#local !== undefined) {
      for (const { row } of local.errors) this.#sampleLocal(row, a, local.truth);
      rows.push(...this.#local.provisional(local.errors));
    }
    const routing =
      layer === undefined || !this.#plan.layers.includes(layer)
        ? []
        : routingRows(layer, this.#runs.a ? takenA : isolated, takenB);
    this.#routing.push(...routing);
    this.#times.addCompare(performance.now() - started);
    if (rows.length > 0 || routing.length > 0) this.#in.onEvent({ type: 'rows', layer, rows, routing });
  }

  /** What of a step's captures is compared: not what only others read, nor the head at the last position, which is there for the top tokens. */
  #taken(taps: Taps | undefined, planned: readonly StageId[]): Taps {
    return new Map([...(taps ?? [])].filter(([id]) => planned.includes(id) || ROUTING.includes(id)));
  }

  /** Looks for what is not finite, on each arm by itself. */
  #watch(layer: number | undefined, planned: readonly StageId[], a: Taps, b: Taps, isolated: Taps | undefined): void {
    const of = (taps: Taps | undefined): readonly Tap[] => planned.flatMap((id) => taps?.get(id) ?? []);
    this.#poison.a.step(layer, of(this.#runs.a ? a : isolated));
    this.#poison.b.step(layer, of(b));
  }

  /** Keeps a few values of products that are wrong although their input is right; taps are dropped when the step ends. */
  #sample(rows: readonly Row[], isolated: Taps, reference: Taps | undefined): void {
    for (const row of rows) {
      if (this.#samples.length >= MOST_SAMPLES || reference === undefined) return;
      const sample = sampleProduct(row, isolated, reference, this.#in.hparams, this.#sumOrder);
      if (sample !== undefined) this.#samples.push(sample);
    }
  }

  /** The same of the run as it was: the exact values are those of its own inputs. */
  #sampleLocal(row: Row, own: Taps | undefined, truth: Taps): void {
    const exact = truth.get(row.stage);
    if (own === undefined || exact === undefined) return;
    this.#sample([row], own, new Map([...own, [row.stage, exact]]));
  }

  /** What those values look like. */
  async #explain(): Promise<ReadonlyMap<string, Cause>> {
    const { model, hparams, signal } = this.#in;
    const causes = new Map<string, Cause>();
    for (const sample of this.#samples) {
      causes.set(locationKey(sample.layer, sample.stage), await explainProduct(sample, model, hparams, signal));
    }
    return causes;
  }

  async #deliver(planned: readonly StageId[], a: Taps, b: Taps, isolated: Taps | undefined): Promise<void> {
    const arms = this.#arms;
    const { onTap } = this.#in;
    if (onTap === undefined) return;
    const folders = [
      [arms.a?.arm, this.#runs.a ? a : undefined],
      [arms.b?.arm, b],
      [arms.a === undefined ? undefined : `${arms.a.arm}-isolated`, isolated],
    ] as const;
    for (const [folder, taps] of folders) {
      if (folder === undefined || taps === undefined) continue;
      for (const id of planned) {
        const tap = taps.get(id);
        if (tap !== undefined) await onTap(folder, tap);
      }
    }
  }
}

/** Bytes of the captures of the current step, which are dropped when it ends. */
function tapBytes(taps: Taps | undefined): number {
  let bytes = 0;
  for (const tap of taps?.values() ?? []) bytes += tap.data.byteLength + (tap.bound?.byteLength ?? 0);
  return bytes;
}
