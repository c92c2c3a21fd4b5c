import { atOnce, type Pieces } from '../base/pieces';
import type { SumOrder } from '../base/f32-error';
import type { Capture } from '../model/engine';
import { stageOrder, stageSpec, type StageId } from '../model/stages';
import { alignInPieces, unaligned, type AlignedCapture } from './align-slots';
import { compareIndices, type IndexComparison, type Probabilities } from './compare-indices';
import {
  compareInPieces,
  cosineOf,
  lengthOf,
  relL2Of,
  type PositionStats,
  type ValueComparison,
} from './compare-values';
import { causeAt, nextLayer, withFlips, type FlipState } from './flip-state';
import { longestOf } from './limits';
import { statisticalRatio } from './statistical-ratio';
import type { CompareMode, Row, RowVerdict } from './report';
import { indexOf, positionLayout } from './capture-layout';
import { summaryInPieces } from './capture-summary';
import { ranksOf, routerRanks } from '../model/router-ranks';
import { CHOSEN_EXPERTS, ROUTER_WEIGHTS } from '../model/stage-roles';

export type Captures = ReadonlyMap<StageId, Capture>;

export interface CompareContext {
  /** Names of the candidate and of the reference. */
  readonly a: string;
  readonly b: string;
  readonly mode: CompareMode;
  /** The stages to report, forward order; a stage without captures becomes `missing` or `unmeasured`. */
  readonly stages: readonly StageId[];
  /** Those that the model has in this step; where that is not known, what any architecture computes. */
  readonly computed?: ReadonlySet<StageId>;
  readonly nExpert: number;
  /** Terms of one sum of a product stage; undefined where the trace does not tell. */
  readonly termsOf?: (stage: StageId) => number | undefined;
  /** How the candidate adds up products, which the bounds are made for. Default `any`. */
  readonly sumOrder?: SumOrder;
  /** Local rows: the probabilities that experts were chosen by, where these are not the candidate's captured ones. */
  readonly chosenBy?: Capture | undefined;
  /** Free-running cosine of one position below which a row diverges. */
  readonly cosineLimit: number;
  /** Isolated or local error / bound above which a row diverges. */
  readonly ratioLimit: number;
}

export interface StepComparison {
  /** Forward order. */
  readonly rows: readonly Row[];
  /** Where routing parted before this step ends; feed it to the next step. */
  readonly flips: FlipState;
}

/**
 * Compares one step (a layer, or undefined for the whole-model stages) of two engines. Router probabilities and indices are used for
 * alignment and judgement wherever both engines captured them, also when the plan does not report them.
 */
export function compareStep(
  layer: number | undefined,
  a: Captures,
  b: Captures,
  before: FlipState,
  context: CompareContext,
): StepComparison {
  return atOnce(stepInPieces(layer, a, b, before, context));
}

/** {@link compareStep} that can be left. */
export function* stepInPieces(
  layer: number | undefined,
  a: Captures,
  b: Captures,
  before: FlipState,
  context: CompareContext,
): Pieces<StepComparison> {
  const { indices, indexRow, state } = routed(layer, a, b, before, context);
  const rows: Row[] = [];
  for (const stage of context.stages) {
    rows.push(yield* rowInPieces(stage, { layer, a, b, indices, indexRow, state }, context));
  }
  return { rows, flips: layer === undefined ? state : nextLayer(state) };
}

/** What the rows of a step have in common. */
interface ComparedStep {
  readonly layer: number | undefined;
  readonly a: Captures;
  readonly b: Captures;
  readonly indices: { readonly a: Capture | undefined; readonly b: Capture | undefined };
  readonly indexRow: IndexComparison | undefined;
  readonly state: FlipState;
}

function* rowInPieces(stage: StageId, step: ComparedStep, context: CompareContext): Pieces<Row> {
  const { layer, indices, indexRow, state } = step;
  const captureA = step.a.get(stage);
  const captureB = step.b.get(stage);
  const made = captureA?.kernel === undefined ? {} : { kernel: captureA.kernel };
  const base = { a: context.a, b: context.b, mode: context.mode, layer, stage, ...made } as const;
  const spec = stageSpec(stage);
  if (!(context.computed?.has(stage) ?? spec.operation !== 'none'))
    return { ...base, verdict: 'not-applicable', count: 0 };
  if (captureA === undefined && captureB === undefined) return { ...base, verdict: 'unmeasured', count: 0 };
  if (captureA === undefined || captureB === undefined) return { ...base, verdict: 'missing', count: 0 };
  if (spec.values === 'index') {
    const chosen = stage === CHOSEN_EXPERTS ? indexRow : groupsCompared(captureA, captureB, step, context);
    if (chosen === undefined) return { ...base, verdict: 'missing', count: 0 };
    const { bits } = yield* summaryInPieces(captureA);
    return flipRow(base, captureA, bits, chosen);
  }
  const aligned = context.mode === 'free' ? yield* alignInPieces(captureA, indices.a, indices.b) : unaligned(captureA);
  const values = yield* compareInPieces(
    {
      a: aligned.data,
      b: captureB.data,
      bound: context.mode === 'free' ? undefined : captureB.bound,
      skip: aligned.skip,
    },
    positionLayout(captureB),
  );
  const compared = withStrays(values, aligned);
  const { lowest, ...judged } = judgeRow(base, captureB, compared, state, context);
  return {
    ...base,
    ...judged,
    count: values.count,
    // Where the two share no expert there is nothing to measure.
    ...(values.count === 0 ? {} : metricsOf(base, aligned.data, captureB, compared, context)),
    ...(lowest === undefined ? {} : lowestOrLongest(aligned, captureB, values, lowest, context.cosineLimit)),
    ...brokenOf(captureB, compared),
    ...(yield* rangesOf(captureA, captureB)),
  };
}

/** How chosen groups of experts compare: judged as experts are, each side's by its own scores. */
function groupsCompared(
  ofA: Capture,
  ofB: Capture,
  { a, b }: Pick<ComparedStep, 'a' | 'b'>,
  { mode }: Pick<CompareContext, 'mode'>,
): IndexComparison {
  const probs = judgedBy(mode, ranksOf(ofA.stage, a), ranksOf(ofB.stage, b));
  return compareIndices(ofA, ofB, probs.b?.shape[1] ?? Infinity, probs);
}

/**
 * What choices are judged by, of what each side ranks. Those of an isolated stage were made by the reference's ranks, those of a local one by the
 * candidate's own: only their rounding is left between the two.
 */
function judgedBy(mode: CompareMode, a: Capture | undefined, b: Capture | undefined): Probabilities {
  return { a: mode === 'free' ? a : undefined, b: mode === 'local' ? a : b };
}

/** How the chosen experts of both sides compare, and where routing has parted once they are. */
function routed(
  layer: number | undefined,
  a: Captures,
  b: Captures,
  before: FlipState,
  context: Pick<CompareContext, 'mode' | 'nExpert' | 'chosenBy'>,
): {
  readonly indices: { readonly a: Capture | undefined; readonly b: Capture | undefined };
  readonly indexRow: IndexComparison | undefined;
  readonly state: FlipState;
} {
  const indices = { a: a.get(CHOSEN_EXPERTS), b: b.get(CHOSEN_EXPERTS) };
  if (layer === undefined || indices.a === undefined || indices.b === undefined)
    return { indices, indexRow: undefined, state: before };
  const probs = judgedBy(context.mode, context.chosenBy ?? routerRanks(a), routerRanks(b));
  const indexRow = compareIndices(indices.a, indices.b, context.nExpert, probs);
  return { indices, indexRow, state: context.mode === 'free' ? withFlips(before, layer, indexRow.flips) : before };
}

/** Where free-running routing has parted before the next layer, without the rows of this one. */
export function flipsBehind(layer: number, a: Captures, b: Captures, before: FlipState, nExpert: number): FlipState {
  return nextLayer(routed(layer, a, b, before, { mode: 'free', nExpert }).state);
}

type RowBase = Pick<Row, 'a' | 'b' | 'mode' | 'layer' | 'stage' | 'kernel'>;

function flipRow(base: RowBase, captured: Capture, bitsA: string, c: IndexComparison): Row {
  const wrong = c.invalidAt !== undefined || c.flips.some((f) => !f.explained);
  const verdict: RowVerdict = wrong
    ? 'diverge'
    : c.flips.length === 0
      ? 'match'
      : base.mode === 'free'
        ? 'after-flip'
        : 'match';
  const first = c.flips[0];
  return {
    ...base,
    verdict,
    count: c.count,
    bitsA,
    jaccard: c.jaccard,
    flips: c.flips,
    perPosition: c.perPosition.map((j) => 1 - j),
    ...(c.invalidAt === undefined ? {} : { maxAbsIndex: indexOf(captured, c.invalidAt) }),
    ...(first === undefined ? {} : { worstPosition: first.position }),
    ...(verdict === 'after-flip' && first !== undefined && base.layer !== undefined
      ? { afterFlip: { layer: base.layer, position: first.position, margin: first.margin } }
      : {}),
  };
}

/** What the row says of each engine's values by itself. */
function* rangesOf(
  a: Capture,
  b: Capture,
): Pieces<Pick<Row, 'rangeA' | 'rangeB' | 'negInfA' | 'negInfB' | 'bitsA' | 'reach'>> {
  const [ofA, ofB] = [yield* summaryInPieces(a), yield* summaryInPieces(b)];
  const reach = b.reach === undefined ? {} : { reach: b.reach };
  return { rangeA: ofA.range, rangeB: ofB.range, negInfA: ofA.negInf, negInfB: ofB.negInf, bitsA: ofA.bits, ...reach };
}

/** A comparison with what alignment left out of it. */
type AlignedComparison = ValueComparison & Pick<AlignedCapture, 'unshared' | 'stray'>;

function withStrays(c: ValueComparison, { unshared, stray }: AlignedCapture): AlignedComparison {
  return { ...c, nanA: c.nanA + (stray?.nan ?? 0), infA: c.infA + (stray?.inf ?? 0), unshared, stray };
}

/** The metrics of a comparison that compared something; `data` are the candidate's values in the reference's slot order. */
function metricsOf(
  base: RowBase,
  data: AlignedCapture['data'],
  captured: Capture,
  c: AlignedComparison,
  context: CompareContext,
): Partial<Row> {
  // A sum over nothing is 0 and says nothing: where no element was compared there is no figure.
  const perPosition = c.perPosition.map((stats) => (stats.count === 0 ? undefined : relL2Of(stats)));
  const worst = worstOf(perPosition);
  return {
    cosine: c.cosine,
    nmse: c.nmse,
    relL2: c.relL2,
    maxAbs: c.maxAbs,
    maxAbsIndex: indexOf(captured, c.maxAbsAt),
    maxAbsValues: { a: data[c.maxAbsAt] ?? NaN, b: captured.data[c.maxAbsAt] ?? NaN },
    rms: c.rms,
    ...(c.maxRatio === undefined || c.maxRatioAt === undefined
      ? {}
      : {
          maxRatio: c.maxRatio,
          maxRatioIndex: indexOf(captured, c.maxRatioAt),
          maxRatioValues: {
            a: data[c.maxRatioAt] ?? NaN,
            b: captured.data[c.maxRatioAt] ?? NaN,
            bound: captured.bound?.[c.maxRatioAt] ?? NaN,
          },
          perPositionRatio: c.perPosition.map((stats) => stats.maxRatio),
          ...(c.ratios === undefined ? {} : { ratios: c.ratios }),
          ...estimateOf(base.stage, c.maxRatio, context),
        }),
    ...(worst === undefined ? {} : { worstPosition: captured.positions[worst] ?? worst }),
    perPosition,
  };
}

/** What is not finite. A slot that only the candidate has goes by its position alone: the reference's slots do not name its expert. */
function brokenOf(captured: Capture, c: AlignedComparison): Partial<Row> {
  const at = c.firstOnlyA ?? c.firstNonFiniteA;
  const first = at !== undefined ? indexOf(captured, at) : c.stray === undefined ? undefined : [c.stray.position];
  return {
    nanA: c.nanA,
    nanB: c.nanB,
    infA: c.infA,
    infB: c.infB,
    ...(first === undefined ? {} : { firstNonFiniteA: first }),
    ...(c.firstNonFiniteB === undefined ? {} : { firstNonFiniteB: indexOf(captured, c.firstNonFiniteB) }),
  };
}

function estimateOf(stage: StageId, maxRatio: number, context: CompareContext): Pick<Row, 'maxEstimate'> {
  const terms = context.termsOf?.(stage);
  return terms === undefined ? {} : { maxEstimate: statisticalRatio(maxRatio, terms, context.sumOrder) };
}

/** A verdict, and where cosine and length decided it the row of the worst position. */
type Judged = Pick<Row, 'verdict' | 'afterFlip'> & { readonly lowest?: number };

function judgeRow(
  base: RowBase,
  captured: Capture,
  c: AlignedComparison,
  state: FlipState,
  context: CompareContext,
): Judged {
  const brokenA = c.nanA + c.infA > 0;
  const brokenB = c.nanB + c.infB > 0;
  if (brokenA && brokenB) return { verdict: c.firstOnlyA === undefined ? 'nan-both' : 'nan-gpu' };
  if (brokenA) return { verdict: 'nan-gpu' };
  if (brokenB) return { verdict: 'nan-cpu' };
  if (base.mode !== 'free') {
    // A row whose reference has no bound cannot be judged alone; it falls back to the cosine.
    if (c.maxRatio !== undefined) return { verdict: c.maxRatio <= context.ratioLimit ? 'match' : 'diverge' };
    const below = parted(base.stage, c.perPosition, [...c.perPosition.keys()], context.cosineLimit);
    return below.length === 0
      ? { verdict: 'match' }
      : { verdict: 'diverge', lowest: lowestOf(below, c, context.cosineLimit) };
  }
  const afterRouter = stageOrder(base.stage) > stageOrder(ROUTED) && base.layer !== undefined;
  let afterFlip: Row['afterFlip'];
  const unexplained: number[] = [];
  for (const [row, stats] of c.perPosition.entries()) {
    const cause = causeAt(state, captured.positions[row] ?? row, afterRouter);
    if (cause === undefined) unexplained.push(row);
    else if (c.unshared.has(row) || !agrees(stats, context.cosineLimit)) afterFlip ??= cause;
  }
  const measured = parted(
    base.stage,
    c.perPosition,
    unexplained.filter((row) => !c.unshared.has(row)),
    context.cosineLimit,
  );
  if (measured.length > 0) return { verdict: 'diverge', lowest: lowestOf(measured, c, context.cosineLimit) };
  if (unexplained.some((row) => c.unshared.has(row))) return { verdict: 'diverge' };
  return afterFlip === undefined ? { verdict: 'match' } : { verdict: 'after-flip', afterFlip };
}

/** From this stage on a layer's values depend on which experts were chosen. */
const ROUTED: StageId = CHOSEN_EXPERTS;

/**
 * How many values a cosine and a length are made of at least. A value is a sum whose terms may cancel, so honest rounding may move one by any share of
 * itself. Noise of 3 % moves one of seven single values by more than the 1.14 times of a limit of 0.99, and one of 14,000 groups of eight.
 */
const FEWEST_VALUES = 8;

/**
 * Of these rows those that are not within the limit. Positions of too few values to be judged one by one (a gate has one) are judged together, and
 * where all of them are too few as well neither cosine nor length says anything. The weights of the chosen experts are no such sums but shares of one,
 * and two of them are judged like many.
 */
function parted(
  stage: StageId,
  perPosition: readonly PositionStats[],
  rows: readonly number[],
  limit: number,
): readonly number[] {
  if (stage === ROUTER_WEIGHTS) return rows.filter((row) => !agrees(perPosition[row], limit));
  const few = rows.filter((row) => isFew(perPosition[row]));
  const together = few.reduce((sum, row) => plus(sum, perPosition[row]!), NO_VALUES);
  const apart = isFew(together) || agrees(together, limit) ? new Set<number>() : new Set(few);
  return rows.filter((row) => (isFew(perPosition[row]) ? apart.has(row) : !agrees(perPosition[row], limit)));
}

const NO_VALUES: PositionStats = { count: 0, error2: 0, a2: 0, b2: 0, dot: 0, maxRatio: undefined };

function isFew(stats: PositionStats | undefined): boolean {
  return stats !== undefined && stats.count < FEWEST_VALUES;
}

function plus(x: PositionStats, y: PositionStats): PositionStats {
  return {
    count: x.count + y.count,
    error2: x.error2 + y.error2,
    a2: x.a2 + y.a2,
    b2: x.b2 + y.b2,
    dot: x.dot + y.dot,
    maxRatio: undefined,
  };
}

function agrees(stats: PositionStats | undefined, limit: number): boolean {
  return stats !== undefined && cosineOf(stats) >= limit && isOfLength(stats, limit);
}

/** A cosine does not see a factor: what is as long as the reference, give or take what the cosine's limit allows, is within its length. */
function isOfLength(stats: PositionStats, limit: number): boolean {
  const times = lengthOf(stats);
  return Number.isNaN(times) || Math.max(times, 1 / times) <= longestOf(limit);
}

/** Of these rows the one with the lowest cosine, the first of several; where all cosines are in order, that of the most wrong length. */
function lowestOf(rows: readonly number[], { perPosition }: ValueComparison, limit: number): number {
  const cosine = (row: number): number => {
    const stats = perPosition[row];
    return stats === undefined ? NaN : cosineOf(stats);
  };
  const byLength = (row: number): number => {
    const times = lengthOf(perPosition[row] ?? { a2: NaN, b2: NaN });
    return -Math.max(times, 1 / times);
  };
  if (rows.every((row) => cosine(row) >= limit)) return rows.reduce((x, y) => (byLength(x) <= byLength(y) ? x : y));
  // NaN is lower than everything.
  return rows.reduce((x, y) => (Number.isNaN(cosine(x)) || cosine(x) <= cosine(y) ? x : y));
}

/** The cosine of one row, or where that is in order its length, and where its error is largest. */
function lowestOrLongest(
  a: AlignedCapture,
  b: Capture,
  { perPosition }: ValueComparison,
  row: number,
  limit: number,
): Pick<Row, 'lowestCosine' | 'worstLength'> {
  const { outer, positions, inner } = positionLayout(b);
  let at = row * inner;
  let largest = -1;
  for (let o = 0; o < outer; o++) {
    const start = (o * positions + row) * inner;
    for (let i = start; i < start + inner; i++) {
      const error = a.skip !== undefined && a.skip[i] !== 0 ? -1 : Math.abs(a.data[i]! - b.data[i]!);
      if (error <= largest) continue;
      largest = error;
      at = i;
    }
  }
  const stats = perPosition[row];
  const index = indexOf(b, at);
  const cosine = stats === undefined ? NaN : cosineOf(stats);
  if (stats !== undefined && cosine >= limit) return { worstLength: { value: lengthOf(stats), index } };
  return { lowestCosine: { value: cosine, index } };
}

function worstOf(values: readonly (number | undefined)[]): number | undefined {
  let worst: number | undefined;
  for (const [i, v] of values.entries()) {
    if (v === undefined) continue;
    if (Number.isNaN(v)) return i;
    if (worst === undefined || v > (values[worst] ?? 0)) worst = i;
  }
  return worst;
}
