import { compareStep, type CompareContext, type Taps } from '../divergence/compare-step';
import { NO_FLIPS } from '../divergence/flip-state';
import { LIMITS } from '../divergence/limits';
import type { Row } from '../divergence/report';
import type { IsolatingEngine, StepOptions, Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { stageSpec, type StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { ARITHMETICS, boundFactor, type ArithmeticId } from './arithmetics';
import { rotationBound } from './rope-bound';

/** A stage of the candidate against the exact value of its own inputs. */
export interface LocalError {
  /** Mode `local`; ratios are to f32's bound. */
  readonly row: Row;
  /** Largest error over the bound of each arithmetic that the stage can be of. Empty where nothing could be measured. */
  readonly ratios: ReadonlyMap<ArithmeticId, number>;
}

export interface JudgeStepInput {
  /** Undefined: the whole-model stages. */
  readonly layer: number | undefined;
  /** Stages to judge, forward order. */
  readonly stages: readonly StageId[];
  /** The candidate's captures of this step, at all positions of the prompt. */
  readonly own: Taps;
  /** The candidate's embedding, or its output of the layer before. */
  readonly layerInput: Tap | undefined;
  /** f64 of whatever it is fed, with f32's bound. */
  readonly exact: IsolatingEngine;
  /** The same with activations quantised in front of every matrix. */
  readonly quantised: IsolatingEngine;
  readonly hparams: HParams;
  readonly candidate: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The local error of each stage whose inputs the candidate captured. Stages whose inputs are not there come back `unmeasured`: nothing is
 * computed of a value that the candidate did not have.
 */
export async function judgeStep(input: JudgeStepInput): Promise<readonly LocalError[]> {
  const { layer, stages, own, layerInput, exact, quantised } = input;
  const judged = stages.filter((stage) => own.has(stage) && hasInputs(stage, own, layerInput));
  const positions = (stage: StageId): readonly number[] => own.get(stage)?.positions ?? [];
  const options = (wanted: readonly StageId[]): StepOptions => ({
    capture: new Map(wanted.map((stage) => [stage, positions(stage)] as const)),
    bounds: true,
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  const fed = { taps: own, layerInput };
  const truth =
    judged.length === 0
      ? undefined
      : withRotations((await exact.isolate(layer, fed, options(judged))).taps, own, input.hparams);
  const products = judged.filter((stage) => termsOf(stage, input.hparams) !== undefined);
  const emulated =
    products.length === 0
      ? undefined
      : (await quantised.isolate(layer, fed, { ...options(products), bounds: false })).taps;
  const context: CompareContext = {
    a: input.candidate,
    b: 'cpu',
    mode: 'isolated',
    stages,
    nExpert: input.hparams.nExpert,
    cosineLimit: LIMITS.cosine.value,
    ratioLimit: LIMITS.ratio.value,
    termsOf: (stage) => termsOf(stage, input.hparams),
  };
  const held = new Map([...own].filter(([stage]) => judged.includes(stage)));
  const rows = compareStep(layer, held, truth ?? new Map(), NO_FLIPS, context).rows;
  const ofEmulated = new Map(
    compareStep(layer, held, withBounds(emulated, truth), NO_FLIPS, { ...context, stages: products }).rows.map(
      (row) => [row.stage, row] as const,
    ),
  );
  return rows.map((row) => ({
    row: unbounded(row)
      ? { a: row.a, b: row.b, mode: 'local', layer, stage: row.stage, verdict: 'unmeasured', count: 0 }
      : { ...row, mode: 'local' },
    ratios: ratiosOf(row, ofEmulated.get(row.stage), positions(row.stage), input.hparams),
  }));
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

/** Whether all that a stage reads was captured at every position. */
function hasInputs(stage: StageId, own: Taps, layerInput: Tap | undefined): boolean {
  return stageSpec(stage).inputs.every((name) =>
    name === 'layer_input' ? layerInput !== undefined : [...own.keys()].some((id) => id === name),
  );
}

/** Rotated values with the bound of an engine that computes its own angles. */
function withRotations(truth: Taps, own: Taps, hparams: HParams): Taps {
  return new Map(
    [...truth].map(([stage, tap]) => {
      const { operation, inputs } = stageSpec(stage);
      const input = operation === 'rope' ? [...own.values()].find((held) => held.stage === inputs[0]) : undefined;
      return [stage, input === undefined ? tap : { ...tap, bound: rotationBound(input, hparams) }] as const;
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
  switch (stageSpec(stage).operation) {
    case 'attn-scores':
      return () => hparams.headDim;
    case 'attn-values':
      return (position) => position + 1;
    default:
      return undefined;
  }
}
