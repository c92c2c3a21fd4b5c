import type { SumOrder } from '../../base/f32-error';
import { atOnce } from '../../base/pieces';
import { compareStep, type CompareContext, type Captures } from '../../divergence/compare-step';
import type { FlipState } from '../../divergence/flip-state';
import { limitsOf } from '../../divergence/limits';
import { notesInPieces, type CaptureNote } from '../../divergence/non-finite';
import type { CompareMode, Row } from '../../divergence/report';
import { localErrors, type LocalErrors, type LocalErrorsInput } from '../../judge/local-errors';
import type { Capture } from '../../model/engine';
import { stagesOfStep } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { StageId } from '../../model/stages';
import { termsOf } from '../../model/weights';
import { selectPositions } from '../../trace/select-positions';
import { captureBytes } from '../run-memory';
import { ROUTING } from '../step-captures';

/** All that is needed to judge one layer of a run, wherever that is done. Structured-cloneable. */
export interface StepWork {
  readonly layer: number;
  /** Stages to judge, forward order. */
  readonly stages: readonly StageId[];
  readonly positions: readonly number[];
  /** The candidate's captures, with what the judged stages read. */
  readonly own: Captures;
  /** The candidate's output of the layer before. */
  readonly layerInput: Capture | undefined;
  readonly candidate: string;
  readonly sumOrder: SumOrder;
  /** Whether the candidate's arithmetic has to be found out. */
  readonly quantised: boolean;
  /** The reference's own run, where both feed themselves and are compared. */
  readonly free: FreeWork | undefined;
  /** Which exact values are wanted back: those of all stages, or of what is not right. */
  readonly truth: 'all' | 'wrong';
}

export interface FreeWork {
  readonly reference: Captures;
  /** Stages that the candidate never has as a value of its own. */
  readonly unmeasured: ReadonlySet<StageId>;
  /** Where routing had parted before this layer. */
  readonly flips: FlipState;
  readonly cosineLimit: number | undefined;
}

/** What became of it. Structured-cloneable. */
export interface StepJudged {
  readonly free: readonly Row[];
  readonly local: Omit<LocalErrors, 'cost'>;
  /** Time and bytes of the exact engine. */
  readonly cost: { readonly ms: number; readonly bytesRead: number };
  /** Bytes of all exact values and their bounds. */
  readonly truthBytes: number;
  readonly compareMs: number;
  /** What was seen of each side's values. */
  readonly notes: { readonly a: readonly CaptureNote[]; readonly b: readonly CaptureNote[] };
}

type Engines = Pick<LocalErrorsInput, 'exact' | 'quantised' | 'hparams'>;

/** The rows of one layer: the candidate's local errors, and how it compares with the reference's own run. @throws TracerError of the engines */
export async function judgeStep(
  work: StepWork,
  engines: Engines,
  signal: AbortSignal | undefined,
): Promise<StepJudged> {
  const { layer, stages, positions, own, layerInput, candidate, sumOrder, quantised } = work;
  const { hparams, exact } = engines;
  const started = performance.now();
  const { errors, truth, emulated, cost } = await localErrors({
    layer,
    stages,
    own,
    layerInput,
    positions,
    exact,
    quantised: quantised ? engines.quantised : undefined,
    hparams,
    sumOrder,
    candidate,
    signal,
  });
  const { taken, free } = freeRows(work, exact.id, hparams);
  const wrong = new Set(errors.flatMap(({ row }) => (row.verdict === 'match' ? [] : [row.stage])));
  const kept = [...truth].filter(([stage]) => work.truth === 'all' || wrong.has(stage));
  // Cancelling ends the thread, so nothing is done in pieces here.
  const notes = (captures: Captures): readonly CaptureNote[] =>
    atOnce(notesInPieces(stages.flatMap((id) => captures.get(id) ?? [])));
  return {
    free,
    local: { errors, truth: new Map(kept), ...(emulated === undefined ? {} : { emulated: wrongOf(emulated) }) },
    cost: { ms: cost.ms, bytesRead: cost.bytesRead },
    notes: { a: notes(taken), b: notes(work.free?.reference ?? new Map()) },
    truthBytes: captureBytes(truth),
    compareMs: performance.now() - started - cost.ms,
  };
}

/** What is not right with quantised activations either: only of that a sample is taken. */
function wrongOf({ captures, rows }: NonNullable<LocalErrors['emulated']>): NonNullable<LocalErrors['emulated']> {
  const wrong = new Map([...rows].filter(([, { verdict }]) => verdict !== 'match'));
  return { captures: new Map([...captures].filter(([stage]) => wrong.has(stage))), rows: wrong };
}

/** The candidate's captures as they are compared, and the rows of that. */
function freeRows(
  work: StepWork,
  reference: string,
  hparams: HParams,
): { readonly taken: Captures; readonly free: readonly Row[] } {
  const { layer, stages, positions, own, candidate, sumOrder, free } = work;
  const taken = takenOf(own, stages, positions);
  if (free === undefined) return { taken, free: [] };
  const context = compareContext(
    'free',
    { layer, stages, candidate, reference, sumOrder, cosineLimit: free.cosineLimit },
    hparams,
  );
  const comparable = comparableOf(free.reference, free.unmeasured);
  const { rows } = compareStep(layer, taken, comparable, free.flips, context);
  return { taken, free: rows };
}

/** What the rows of a step are made with. */
export function compareContext(
  mode: CompareMode,
  step: Pick<StepWork, 'stages' | 'candidate' | 'sumOrder'> & {
    readonly layer: number | undefined;
    readonly reference: string;
    /** As the run was asked for. */
    readonly cosineLimit: number | undefined;
  },
  hparams: HParams,
): CompareContext {
  const limits = limitsOf(step.cosineLimit);
  return {
    a: step.candidate,
    b: step.reference,
    mode,
    stages: step.stages,
    computed: new Set(stagesOfStep(hparams, step.layer)),
    nExpert: hparams.nExpert,
    cosineLimit: limits.cosine,
    ratioLimit: limits.ratio,
    sumOrder: step.sumOrder,
    termsOf: (stage) => termsOf(stage, hparams),
  };
}

/** What of a step's captures is compared, at the positions that are: not what only others read. */
export function takenOf(
  captures: Captures | undefined,
  stages: readonly StageId[],
  positions: readonly number[],
): Captures {
  const wanted = [...(captures ?? [])].filter(([id]) => stages.includes(id) || ROUTING.includes(id));
  return new Map(wanted.map(([id, captured]) => [id, selectPositions(captured, positions)]));
}

/** The reference's values that the candidate has as well: one captured value alone would be missing on the other side. */
export function comparableOf(reference: Captures, unmeasured: ReadonlySet<StageId> | undefined): Captures {
  return new Map([...reference].filter(([stage]) => unmeasured?.has(stage) !== true));
}
