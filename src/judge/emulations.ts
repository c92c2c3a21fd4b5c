import { gamma, PRODUCT_ROUNDINGS } from '../base/f32-error';
import type { Captures } from '../divergence/compare-step';
import type { Row } from '../divergence/report';
import type { IsolatingEngine, ReferenceStep, StepOptions } from '../model/engine';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import type { ArithmeticId } from './arithmetics';
import type { EmulatedRows } from './held-values';
import { keptVariants } from './kept-arithmetic';

export interface EmulationInput {
  readonly layer: number | undefined;
  readonly hparams: HParams;
  /** What the candidate captured. */
  readonly fed: ReferenceStep;
  readonly judged: readonly StageId[];
  /** Exact values with their bounds. */
  readonly truth: Captures;
  readonly exact: Pick<IsolatingEngine, 'isolate'>;
  readonly blocks: Pick<IsolatingEngine, 'isolate'> | undefined;
  readonly quantised: Pick<IsolatingEngine, 'isolate' | 'doubt'> | undefined;
  readonly options: (stages: readonly StageId[]) => StepOptions;
  /** The candidate's rows against values. */
  readonly compared: (against: Captures, of: readonly StageId[]) => Promise<readonly Row[]>;
}

/**
 * The candidate's rows against values whose rounding was emulated, by stage and arithmetic.
 * @param inF32 rows against the exact values @param asRounded against those of quantised activations, which are `rounded`
 */
export async function emulatedRows(
  input: EmulationInput,
  inF32: ReadonlyMap<StageId, Row>,
  asRounded: ReadonlyMap<StageId, Row>,
  rounded: Captures,
): Promise<ReadonlyMap<StageId, EmulatedRows>> {
  const ofActivations = await withDoubt(input, inF32, asRounded, rounded);
  const rows = new Map<StageId, Map<ArithmeticId, Row>>();
  const add = (id: ArithmeticId, row: Row): void => {
    const own = rows.get(row.stage) ?? new Map<ArithmeticId, Row>();
    const before = own.get(id)?.maxRatio ?? Infinity;
    rows.set(row.stage, (row.maxRatio ?? Infinity) <= before ? own.set(id, row) : own);
  };
  for (const row of ofActivations.values()) add('q8-activations', row);
  for (const row of await inBlocks(input, inF32, ofActivations)) add('q8_1-activations', row);
  for (const { id, fed, stages } of keptVariants(input.fed, input.layer, input.judged, input.hparams)) {
    if (stages.every((stage) => isRight(inF32.get(stage)))) break;
    const { captures } = await input.exact.isolate(input.layer, fed, input.options(stages));
    for (const row of await input.compared(captures, stages)) add(id, row);
  }
  return rows;
}

/** The rows with the doubt of roundings that lie on an edge, where that is needed: a walk over weights that most runs do not take. */
async function withDoubt(
  { layer, hparams, fed, quantised, options, compared }: EmulationInput,
  inF32: ReadonlyMap<StageId, Row>,
  asRounded: ReadonlyMap<StageId, Row>,
  rounded: Captures,
): Promise<ReadonlyMap<StageId, Row>> {
  const open = unexplained(inF32, asRounded);
  if (open.length === 0 || quantised?.doubt === undefined) return asRounded;
  const { captures } = await quantised.doubt(layer, fed, options(open));
  const wider = new Map(
    open.flatMap((stage) => {
      const [captured, doubt] = [rounded.get(stage), captures.get(stage)?.bound];
      if (captured?.bound === undefined || doubt === undefined) return [];
      const share = gamma((termsOf(stage, hparams) ?? NaN) + PRODUCT_ROUNDINGS);
      return [
        [stage, { ...captured, bound: captured.bound.map((own, i) => own + (doubt[i] ?? NaN) / share) }] as const,
      ];
    }),
  );
  const rows = await compared(wider, [...wider.keys()]);
  return new Map([...asRounded, ...rows.map((row) => [row.stage, row] as const)]);
}

/** Products that neither f32 nor llama.cpp's CPU explains, of activations in blocks of 32: a walk over weights that most runs do not need. */
async function inBlocks(
  { layer, fed, truth, blocks, options, compared }: EmulationInput,
  inF32: ReadonlyMap<StageId, Row>,
  ofActivations: ReadonlyMap<StageId, Row>,
): Promise<readonly Row[]> {
  const open = unexplained(inF32, ofActivations);
  if (blocks === undefined || open.length === 0) return [];
  const { captures } = await blocks.isolate(layer, fed, { ...options(open), bounds: false });
  return compared(withBounds(captures, truth), open);
}

/** The emulated stages that are right neither so nor in f32. */
function unexplained(inF32: ReadonlyMap<StageId, Row>, emulated: ReadonlyMap<StageId, Row>): readonly StageId[] {
  return [...emulated].flatMap(([stage, row]) => (isRight(row) || isRight(inF32.get(stage)) ? [] : [stage]));
}

function isRight(row: Row | undefined): boolean {
  return row?.maxRatio !== undefined && row.maxRatio <= 1;
}

/** Emulated values with the bound of the exact ones: what is left is held to f32. */
export function withBounds(emulated: Captures, truth: Captures): Captures {
  return new Map(
    [...emulated].map(([stage, captured]) => {
      const bound = truth.get(stage)?.bound;
      return [stage, bound === undefined ? captured : { ...captured, bound }] as const;
    }),
  );
}
