import { yielder } from '../base/yielder';
import type { SumOrder } from '../base/f32-error';
import { withPauses } from '../base/pieces';
import { dependencies, LAYER_INPUT, type Node, type StateSlot } from '../arch/graph';
import { routerRanks } from '../model/router-ranks';
import { CHOICE } from '../model/stage-roles';
import { stepInPieces, type CompareContext, type Captures } from '../divergence/compare-step';
import { NO_FLIPS } from '../divergence/flip-state';
import { LIMITS } from '../divergence/limits';
import type { Row } from '../divergence/report';
import type { IsolatingEngine, ReferenceStep, StepOptions, StepResult, Capture } from '../model/engine';
import type { HParams } from '../model/hparams';
import { stageSpec, type StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { selectPositions } from '../trace/select-positions';
import { bridge, hiddenValues, throughBridge, type Bridge, type BridgeInput, type HiddenValue } from './bridge';
import type { ArithmeticId } from './arithmetics';
import { emulatedRows, withBounds } from './emulations';
import { heldValues, ratiosOf, valuesOf, type EmulatedRows, type HeldValues } from './held-values';
import { stageNode, stagesOfStep } from '../model/graph-of';
import { rotationBound } from './rope-bound';
import { valueTypes, withValueTypes, type ValueType } from './value-types';

/** A stage of the candidate against the exact value of its own inputs. */
export interface LocalError {
  /** Mode `local`; ratios are to f32's bound. */
  readonly row: Row;
  /** Largest error over the bound of each arithmetic that the stage can be of, the most exact first. Empty where nothing could be measured. */
  readonly ratios: ReadonlyMap<ArithmeticId, number>;
  /** What the row says of single values, held to the bound of each arithmetic but f32, whose the row itself has. */
  readonly held?: ReadonlyMap<ArithmeticId, HeldValues>;
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
  readonly own: Captures;
  /** The candidate's embedding, or its output of the layer before. */
  readonly layerInput: Capture | undefined;
  /** What the candidate keeps of the positions before the step. */
  readonly past?: ReferenceStep['past'];
  /** Positions to judge; those of each capture where left out. */
  readonly positions?: readonly number[];
  /** f64 of whatever it is fed, with f32's bound. */
  readonly exact: Pick<IsolatingEngine, 'id' | 'isolate'>;
  /**
   * The same with activations quantised in front of every matrix: for a stranger, whose arithmetic is not known. Without it the candidate is
   * one of this program's own engines, f32 with the exact engine's rotary angles.
   */
  readonly quantised?: Pick<IsolatingEngine, 'isolate' | 'doubt'> | undefined;
  /** The same in blocks of 32 whatever a weight's type: asked only of products that neither explains. */
  readonly blocks?: Pick<IsolatingEngine, 'isolate'> | undefined;
  readonly hparams: HParams;
  /** How the candidate adds up products; not known of a stranger. */
  readonly sumOrder?: SumOrder | undefined;
  /** Of fused kernels. */
  readonly bridge?: Bridge | undefined;
  readonly candidate: string;
  readonly signal?: AbortSignal | undefined;
}

export interface LocalErrors {
  readonly errors: readonly LocalError[];
  /** The exact values with their bounds. */
  readonly truth: Captures;
  /** Of a stranger: its products as with quantised activations, with the bounds of the exact ones, and the stranger's rows against them. */
  readonly emulated?: { readonly captures: Captures; readonly rows: ReadonlyMap<StageId, Row> };
  /** Time and bytes of the exact engine. */
  readonly cost: StepResult;
}

const NO_COST: StepResult = { captures: new Map(), ms: 0, bytesRead: 0 };

/**
 * The local error of each stage whose inputs the candidate captured. Stages whose inputs are not there come back `unmeasured`: nothing is
 * computed of a value that the candidate did not have.
 */
export async function localErrors(input: LocalErrorsInput): Promise<LocalErrors> {
  const { layer, stages, layerInput, past, exact, quantised, hparams } = input;
  const own = atPositions(input.own, stages, input.positions);
  // Of a run of our own everything is captured, or known to be bridged.
  const hidden = quantised === undefined ? [] : hiddenValues(hparams, layer, input.own);
  const known = withHidden(input.own, hidden);
  const judged = stages.filter((stage) =>
    hasInputs(stageNode(hparams, stage, layer), own.get(stage), known, layerInput, past),
  );
  const order = input.sumOrder === undefined ? {} : { sumOrder: input.sumOrder };
  const positions = (stage: StageId): readonly number[] => (own.get(stage) ?? known.get(stage))?.positions ?? [];
  const options = (wanted: readonly StageId[]): StepOptions => ({
    capture: new Map(wanted.map((stage) => [stage, positions(stage)] as const)),
    bounds: true,
    ...order,
    ...(input.bridge === undefined ? {} : { rescales: input.bridge.rescales }),
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  const captured: ReferenceStep = { captures: input.own, layerInput, ...(past === undefined ? {} : { past }) };
  const hides: BridgeInput = { layer, hparams, exact: input.bridge?.exact ?? exact, fed: captured, options };
  const remade = judged.filter((stage) => input.bridge?.remade.has(stage) === true);
  const bridged = await bridge(hides, [...remade, ...hidden.map(({ stage }) => stage)]);
  const { fed } = bridged;
  const direct = judged.filter((stage) => !remade.includes(stage));
  const computed = direct.length === 0 ? NO_COST : await exact.isolate(layer, fed, options(direct));
  const made = [...bridged.truth].filter(([stage]) => own.has(stage));
  const exactly = new Map([...(await throughBridge(hides, bridged, computed.captures)), ...made]);
  const types: ReadonlyMap<StageId, ValueType> = quantised === undefined ? new Map() : valueTypes(own, hparams);
  const truth =
    quantised === undefined ? exactly : withValueTypes(withRotations(exactly, input.own, hparams), types, hparams);
  const products = quantised === undefined ? [] : judged.filter((stage) => termsOf(stage, hparams) !== undefined);
  const emulated =
    quantised === undefined || products.length === 0
      ? NO_COST
      : await quantised.isolate(layer, fed, { ...options(products), bounds: false });
  const context: CompareContext = {
    a: input.candidate,
    b: exact.id,
    mode: 'local',
    stages,
    computed: new Set(stagesOfStep(hparams, layer)),
    nExpert: hparams.nExpert,
    cosineLimit: LIMITS.cosine.value,
    ratioLimit: LIMITS.ratio.value,
    ...order,
    termsOf: (stage) => termsOf(stage, hparams),
    chosenBy: routerRanks(bridged.truth),
  };
  // Chosen experts are judged by the probabilities that chose them, judged or not.
  const held = new Map([...own].filter(([stage]) => judged.includes(stage) || CHOICE.includes(stage)));
  const pause = yielder(input.signal);
  const compared = async (against: Captures, of: readonly StageId[]): Promise<readonly Row[]> => {
    const work = stepInPieces(layer, held, against, NO_FLIPS, { ...context, stages: of });
    return (await withPauses(work, pause)).rows;
  };
  const inF32 = (await compared(truth, stages)).map((row) => marked(row, hidden, hparams));
  const roundedTruth = withBounds(emulated.captures, truth);
  const ofEmulated = byStage(await compared(roundedTruth, products));
  const emulation = { layer, hparams, fed, judged, truth, exact, blocks: input.blocks, quantised, options, compared };
  const rounded =
    quantised === undefined ? undefined : await emulatedRows(emulation, byStage(inF32), ofEmulated, roundedTruth);
  const errors = inF32.map((row): LocalError => {
    if (unbounded(row)) {
      const { a, b, mode, stage } = row;
      return { row: { a, b, mode, layer, stage, verdict: 'unmeasured', count: 0 }, ratios: new Map() };
    }
    if (rounded === undefined) return { row, ratios: new Map() };
    const type = types.get(row.stage);
    if (type !== undefined && row.maxRatio !== undefined) {
      return { row, ratios: new Map([[type.id, row.maxRatio]]), held: new Map([[type.id, valuesOf(row)]]) };
    }
    const at = positions(row.stage);
    const rows: EmulatedRows = rounded.get(row.stage) ?? new Map();
    return { row, ratios: ratiosOf(row, rows, at, hparams), held: heldValues(row, rows, at, hparams) };
  });
  const cost = { captures: truth, ms: computed.ms + emulated.ms, bytesRead: computed.bytesRead + emulated.bytesRead };
  return {
    errors,
    truth,
    cost,
    ...(quantised === undefined ? {} : { emulated: { captures: roundedTruth, rows: ofEmulated } }),
  };
}

/** The captures with places for what is computed of them. */
function withHidden(own: Captures, hidden: readonly HiddenValue[]): Captures {
  const places = hidden.map(({ stage, positions }): readonly [StageId, Capture] => [
    stage,
    { stage, layer: undefined, positions, shape: [], data: new Float32Array(0) },
  ]);
  return new Map([...own, ...places]);
}

/** The row with what its inputs were bridged over. */
function marked(row: Row, hidden: readonly HiddenValue[], hparams: HParams): Row {
  const inputs = row.count === 0 ? [] : (stageNode(hparams, row.stage, row.layer)?.inputs ?? []);
  const bridged = hidden.flatMap(({ stage }) => (inputs.some(({ id }) => id === stage) ? [stage] : []));
  return bridged.length === 0 ? row : { ...row, bridged };
}

/** What is judged, and the probabilities that experts were chosen by, at the positions that are judged. */
function atPositions(
  captures: Captures,
  stages: readonly StageId[],
  positions: readonly number[] | undefined,
): Captures {
  const wanted = [...captures].filter(([stage]) => stages.includes(stage) || CHOICE.includes(stage));
  return new Map(
    wanted.map(([stage, captured]) => [
      stage,
      positions === undefined ? captured : selectPositions(captured, positions),
    ]),
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
function hasInputs(
  node: Node | undefined,
  judged: Capture | undefined,
  own: Captures,
  layerInput: Capture | undefined,
  past: ReferenceStep['past'],
): boolean {
  if (node === undefined || judged === undefined || judged.positions.length === 0) return false;
  const last = Math.max(...judged.positions);
  const kept = node.reads.flatMap(({ reach, value }) => (reach === undefined ? [value.id] : []));
  if (!node.reads.every((slot) => reaches(slot, judged, own, past))) return false;
  return dependencies(node).every(({ id }) => {
    const captured = id === LAYER_INPUT ? layerInput : own.get(id);
    if (captured === undefined) return false;
    if (kept.includes(id)) return (captured.positions.at(-1) ?? -1) >= last;
    const there = new Set(captured.positions);
    return judged.positions.every((position) => there.has(position));
  });
}

/** Whether a state that is read a few positions back was captured there, wherever a stage that reads it is judged. */
function reaches({ reach, value }: StateSlot, judged: Capture, own: Captures, past: ReferenceStep['past']): boolean {
  const captured = own.get(value.id);
  if (reach === undefined) return true;
  if (captured === undefined) return false;
  const [first = 0] = captured.positions;
  const before = ((past?.get(value.id)?.length ?? 0) * captured.positions.length) / Math.max(1, captured.data.length);
  const there = new Set(captured.positions);
  const isThere = (position: number): boolean =>
    position < 0 || there.has(position) || (position < first && position >= first - before);
  return judged.positions.every((position) => Array.from({ length: reach }, (_, i) => position - 1 - i).every(isThere));
}

/** Rotated values with the bound of an engine that computes its own angles. */
function withRotations(truth: Captures, own: Captures, hparams: HParams): Captures {
  return new Map(
    [...truth].map(([stage, captured]) => {
      const node = stageNode(hparams, stage, captured.layer);
      const input = own.get(node?.inputs[0]?.id ?? '');
      if (node?.op !== 'rope' || input === undefined) return [stage, captured] as const;
      const rotated = selectPositions(input, captured.positions);
      return [
        stage,
        { ...captured, bound: rotationBound(rotated, captured.shape.at(-1) ?? hparams.headDim, node.attrs) },
      ] as const;
    }),
  );
}

function byStage(rows: readonly Row[]): ReadonlyMap<StageId, Row> {
  return new Map(rows.map((row) => [row.stage, row] as const));
}
