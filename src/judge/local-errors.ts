import type { SumOrder } from '../base/f32-error';
import { dependencies, LAYER_INPUT, type Node } from '../arch/graph';
import { ROUTER_PROBS } from '../model/stage-roles';
import { compareStep, type CompareContext, type Taps } from '../divergence/compare-step';
import { NO_FLIPS } from '../divergence/flip-state';
import { LIMITS } from '../divergence/limits';
import type { Row } from '../divergence/report';
import type { IsolatingEngine, ReferenceStep, StepOptions, StepResult, Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { stageSpec, type StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { selectPositions } from '../trace/select-positions';
import { ARITHMETICS, boundFactor, type ArithmeticId } from './arithmetics';
import { stageNode } from '../model/graph-of';
import { rotationBound } from './rope-bound';

/** A stage of the candidate against the exact value of its own inputs. */
export interface LocalError {
  /** Mode `local`; ratios are to f32's bound. */
  readonly row: Row;
  /** Largest error over the bound of each arithmetic that the stage can be of. Empty where nothing could be measured. */
  readonly ratios: ReadonlyMap<ArithmeticId, number>;
}

export interface LocalErrorsInput {
  /** Undefined: the whole-model stages. */
  readonly layer: number | undefined;
  /** Stages to judge, forward order. */
  readonly stages: readonly StageId[];
  /**
   * The candidate's captures of this step: what is judged and what it reads, at the positions that are judged; what attention keeps (keys,
   * values) at all positions of the step.
   */
  readonly own: Taps;
  /** The candidate's embedding, or its output of the layer before. */
  readonly layerInput: Tap | undefined;
  /** What the candidate keeps of the positions before the step. */
  readonly past?: ReferenceStep['past'];
  /** Positions to judge; those of each capture where left out. */
  readonly positions?: readonly number[];
  /** f64 of whatever it is fed, with f32's bound. */
  readonly exact: Pick<IsolatingEngine, 'arm' | 'isolate'>;
  /**
   * The same with activations quantised in front of every matrix: for a stranger, whose arithmetic is not known. Without it the candidate is
   * one of this program's own engines, f32 with the exact engine's rotary angles.
   */
  readonly quantised?: Pick<IsolatingEngine, 'isolate'> | undefined;
  readonly hparams: HParams;
  /** How the candidate adds up products; not known of a stranger. */
  readonly sumOrder?: SumOrder | undefined;
  readonly candidate: string;
  readonly signal?: AbortSignal | undefined;
}

export interface LocalErrors {
  readonly errors: readonly LocalError[];
  /** The exact values with their bounds. */
  readonly truth: Taps;
  /** Time and bytes of the exact engine. */
  readonly cost: StepResult;
}

const NO_COST: StepResult = { taps: new Map(), ms: 0, bytesRead: 0 };

/**
 * The local error of each stage whose inputs the candidate captured. Stages whose inputs are not there come back `unmeasured`: nothing is
 * computed of a value that the candidate did not have.
 */
export async function localErrors(input: LocalErrorsInput): Promise<LocalErrors> {
  const { layer, stages, layerInput, past, exact, quantised, hparams } = input;
  const own = atPositions(input.own, stages, input.positions);
  const judged = stages.filter((stage) =>
    hasInputs(stageNode(hparams, stage, layer), own.get(stage), input.own, layerInput),
  );
  const order = input.sumOrder === undefined ? {} : { sumOrder: input.sumOrder };
  const positions = (stage: StageId): readonly number[] => own.get(stage)?.positions ?? [];
  const options = (wanted: readonly StageId[]): StepOptions => ({
    capture: new Map(wanted.map((stage) => [stage, positions(stage)] as const)),
    bounds: true,
    ...order,
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  const fed: ReferenceStep = { taps: input.own, layerInput, ...(past === undefined ? {} : { past }) };
  const computed = judged.length === 0 ? NO_COST : await exact.isolate(layer, fed, options(judged));
  const truth = quantised === undefined ? computed.taps : withRotations(computed.taps, input.own, hparams);
  const products = quantised === undefined ? [] : judged.filter((stage) => termsOf(stage, hparams) !== undefined);
  const emulated =
    quantised === undefined || products.length === 0
      ? NO_COST
      : await quantised.isolate(layer, fed, { ...options(products), bounds: false });
  const context: CompareContext = {
    a: input.candidate,
    b: exact.arm,
    mode: 'local',
    stages,
    nExpert: hparams.nExpert,
    cosineLimit: LIMITS.cosine.value,
    ratioLimit: LIMITS.ratio.value,
    ...order,
    termsOf: (stage) => termsOf(stage, hparams),
  };
  // Chosen experts are judged by the probabilities that chose them, judged or not.
  const held = new Map([...own].filter(([stage]) => judged.includes(stage) || stage === ROUTER_PROBS));
  const compared = (against: Taps, of: readonly StageId[]): readonly Row[] =>
    compareStep(layer, held, against, NO_FLIPS, { ...context, stages: of }).rows;
  const ofEmulated = new Map(
    compared(withBounds(emulated.taps, truth), products).map((row) => [row.stage, row] as const),
  );
  const errors = compared(truth, stages).map((row): LocalError => {
    if (unbounded(row)) {
      const { a, b, mode, stage } = row;
      return { row: { a, b, mode, layer, stage, verdict: 'unmeasured', count: 0 }, ratios: new Map() };
    }
    const ratios =
      quantised === undefined ? new Map() : ratiosOf(row, ofEmulated.get(row.stage), positions(row.stage), hparams);
    return { row, ratios };
  });
  const cost = { taps: truth, ms: computed.ms + emulated.ms, bytesRead: computed.bytesRead + emulated.bytesRead };
  return { errors, truth, cost };
}

/** What is judged, and the probabilities that experts were chosen by, at the positions that are judged. */
function atPositions(taps: Taps, stages: readonly StageId[], positions: readonly number[] | undefined): Taps {
  const wanted = [...taps].filter(([stage]) => stages.includes(stage) || stage === ROUTER_PROBS);
  return new Map(
    wanted.map(([stage, tap]) => [stage, positions === undefined ? tap : selectPositions(tap, positions)]),
  );
}

/** Without a bound a cosine would have to do, which calls nearly everything right. Chosen experts need none. */
function unbounded({ verdict, stage, maxRatio, count }: Row): boolean {
  return (
    count > 0 &&
    (verdict === 'match' || verdict === 'diverge') &&
    maxRatio === undefined &&
    stageSpec(stage).values === 'float'
  );
}

/** Whether all that a stage reads was captured wherever it is judged. */
function hasInputs(node: Node | undefined, judged: Tap | undefined, own: Taps, layerInput: Tap | undefined): boolean {
  if (node === undefined || judged === undefined || judged.positions.length === 0) return false;
  const last = Math.max(...judged.positions);
  const kept = node.reads.map((slot) => slot.value.id);
  return dependencies(node).every(({ id }) => {
    const tap = id === LAYER_INPUT ? layerInput : own.get(id);
    if (tap === undefined) return false;
    if (kept.includes(id)) return (tap.positions.at(-1) ?? -1) >= last;
    const there = new Set(tap.positions);
    return judged.positions.every((position) => there.has(position));
  });
}

/** Rotated values with the bound of an engine that computes its own angles. */
function withRotations(truth: Taps, own: Taps, hparams: HParams): Taps {
  return new Map(
    [...truth].map(([stage, tap]) => {
      const node = stageNode(hparams, stage, tap.layer);
      const input = own.get(node?.inputs[0]?.id ?? '');
      if (node?.op !== 'rope' || input === undefined) return [stage, tap] as const;
      const rotated = selectPositions(input, tap.positions);
      return [stage, { ...tap, bound: rotationBound(rotated, hparams.headDim, node.attrs) }] as const;
    }),
  );
}

/** The emulated values with the bound of the exact ones: what is left is held to f32. */
function withBounds(emulated: Taps | undefined, truth: Taps | undefined): Taps {
  return new Map(
    [...(emulated ?? [])].map(([stage, tap]) => {
      const bound = truth?.get(stage)?.bound;
      return [stage, bound === undefined ? tap : { ...tap, bound }] as const;
    }),
  );
}

function ratiosOf(
  row: Row,
  emulated: Row | undefined,
  positions: readonly number[],
  hparams: HParams,
): ReadonlyMap<ArithmeticId, number> {
  const ratios = new Map<ArithmeticId, number>();
  if (row.maxRatio === undefined) return ratios;
  const terms = sumLength(row.stage, hparams);
  for (const arithmetic of ARITHMETICS) {
    if (arithmetic.id === 'f32') ratios.set('f32', row.maxRatio);
    else if (terms === undefined) continue;
    else if (arithmetic.excess !== undefined)
      ratios.set(
        arithmetic.id,
        scaled(row, positions, (at) => boundFactor(arithmetic, terms(at))),
      );
    else if (emulated?.maxRatio !== undefined) ratios.set(arithmetic.id, emulated.maxRatio);
  }
  return ratios;
}

/** The largest ratio, each position's divided by its own factor. */
function scaled(row: Row, positions: readonly number[], factor: (position: number) => number): number {
  const perPosition = row.perPositionRatio;
  if (perPosition === undefined) return (row.maxRatio ?? NaN) / factor(positions[0] ?? 0);
  return perPosition.reduce<number>((most, ratio, i) => {
    if (ratio === undefined) return most;
    const value = ratio / factor(positions[i] ?? 0);
    return Number.isNaN(value) || value > most ? value : most;
  }, 0);
}

/** Terms of one sum of a stage, by position; undefined where it is no sum of products. */
function sumLength(stage: StageId, hparams: HParams): ((position: number) => number) | undefined {
  const terms = termsOf(stage, hparams);
  if (terms !== undefined) return () => terms;
  switch (stageNode(hparams, stage)?.op) {
    case 'attention-scores':
      return () => hparams.headDim;
    case 'attention-values':
      return (position) => position + 1;
    default:
      return undefined;
  }
}
