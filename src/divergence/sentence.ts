import { SUSPICIOUS_ESTIMATE } from '../base/f32-error';
import { short } from '../base/format';
import type { AdapterArithmetic } from '../model/adapter-card';
import type { Amplification, Culprit, Row, RunStatus } from './report';

export interface SentenceContext {
  /** Wrong by themselves too, forward order. */
  readonly others: readonly Culprit[];
  readonly rows: readonly Row[];
  readonly complete: boolean;
  readonly layersDone: number;
  readonly nTokens: number;
  readonly missing: Row | undefined;
  readonly engines: readonly string[];
  /** Where the free run parts although no stage is wrong by itself, and what makes it. */
  readonly parted?: Culprit | undefined;
  readonly amplification?: Amplification | undefined;
  /** A product within its bound whose errors are too large for roundings to nearest. */
  readonly suspect?: Row | undefined;
  /** Where the model itself leaves f32. */
  readonly left?: Row | undefined;
  /** Of the adapter, where it was asked. */
  readonly arithmetic?: AdapterArithmetic | undefined;
}

/** The one sentence of the run: the same on the page, in the terminal, in JSON and in pictures. */
export function sentenceOf(status: RunStatus, culprit: Culprit | undefined, context: SentenceContext): string {
  if (status === 'out-of-range' && context.left !== undefined)
    return outOfRange(context.left, culprit ?? context.parted, context.arithmetic);
  if (culprit !== undefined) {
    const word = status === 'not-finite' ? 'NOT FINITE' : 'DIVERGED';
    const hint = culprit.hint === undefined ? '' : `; ${culprit.hint}`;
    return `${word}: first at ${placeOf(culprit)}: ${evidence(culprit)}${hint}${moreOf(context.others)}`;
  }
  if (status === 'ill-conditioned' && context.parted !== undefined) return illConditioned(context, context.parted);
  if (status === 'incomplete') {
    if (context.complete && context.engines.length < 2) {
      return `INCOMPLETE: only the ${context.engines[0] ?? 'missing'} engine ran, ${plural(context.layersDone, 'layer')}, ${plural(context.nTokens, 'token')}; nothing to compare`;
    }
    return context.missing === undefined
      ? `INCOMPLETE: stopped after ${plural(context.layersDone, 'layer')}; nothing parted so far`
      : `INCOMPLETE: ${place(context.missing.layer, context.missing.stage)} was captured on one engine only`;
  }
  const { suspect } = context;
  if (status === 'suspicious' && suspect !== undefined) {
    return `SUSPICIOUS: ${place(suspect.layer, suspect.stage)}: within the bound of any order of sums, yet ${short(suspect.maxEstimate ?? NaN)} x what independent roundings to nearest make (limit ${SUSPICIOUS_ESTIMATE}, chance 1e-9): ${explanation(context)}; ${agreement(context)}`;
  }
  return `MATCH: ${agreement(context)}`;
}

/** A place that is told by itself: a decoder that does not say what its own logits say, a run with other bits. */
export function divergedAt(culprit: Culprit): string {
  return `DIVERGED: first at ${placeOf(culprit)}: ${evidence(culprit)}`;
}

/** What would make errors that large: on an adapter that rounds otherwise, that alone. */
function explanation({ arithmetic }: SentenceContext): string {
  return arithmetic?.rounding === 'other'
    ? 'this adapter does not round to nearest, which explains it'
    : 'sums or operands with fewer digits than f32 would explain it, or roundings that are not independent';
}

function flushes(arithmetic: SentenceContext['arithmetic']): string {
  if (arithmetic === undefined) return '';
  const { subnormalInputs, subnormalResults } = arithmetic;
  return subnormalInputs === 'flushed' || subnormalResults === 'flushed'
    ? ' (this adapter makes what is smaller 0)'
    : ' (this adapter keeps some of what is smaller)';
}

/** No f32 kernel can hold what the model asks for: none is blamed. */
function outOfRange(
  { layer, stage, reach }: Row,
  parted: Culprit | undefined,
  arithmetic: SentenceContext['arithmetic'],
): string {
  const { largest = NaN, largestSum = 0 } = reach ?? {};
  const size =
    largest < 1
      ? `its largest value is ${short(largest)}, and f32 begins at 1.2e-38${flushes(arithmetic)}`
      : Math.max(largest, largestSum) === largest
        ? `values up to ${short(largest)}, and f32 ends at 3.4e38`
        : `partial sums up to ${short(largestSum)}, and f32 ends at 3.4e38`;
  const where = parted === undefined ? '' : `; the run parts at ${placeOf(parted)}`;
  return `OUT OF RANGE: the model leaves f32 at ${place(layer, stage)}: ${size}${where}`;
}

/** Nobody is blamed: the exact stages would do the same to the same rounding. */
function illConditioned({ rows, amplification }: SentenceContext, parted: Culprit): string {
  const ratios = rows.flatMap((row) => (row.maxRatio === undefined ? [] : [row.maxRatio]));
  const most =
    amplification === undefined
      ? ''
      : `; most of it at ${place(amplification.layer, amplification.stage)}, where relative L2 grows ${short(amplification.factor)} x to ${short(amplification.relL2)}`;
  return `ILL-CONDITIONED: every stage is right from its own inputs (largest error ${short(largest(ratios))} x its bound), yet rounding alone makes the run part at ${placeOf(parted)}: ${evidence(parted)}${most}`;
}

/** `layer 6, moe_expert_out, token 2, expert 41 (blk.6.ffn_down_exps.weight, Q4_K)` */
export function placeOf(c: Culprit): string {
  const expert = c.expert === undefined ? '' : `, expert ${c.expert}`;
  const tensor = c.tensor === undefined ? '' : ` (${c.tensor}${c.qtype === undefined ? '' : `, ${c.qtype}`})`;
  return `${place(c.layer, c.stage)}, token ${c.position}${expert}${tensor}`;
}

/** `; 2 more stages are wrong by themselves, next layer 3, moe_router, token 0` */
function moreOf([next, ...rest]: readonly Culprit[]): string {
  if (next === undefined) return '';
  const count = rest.length === 0 ? '1 more stage is' : `${rest.length + 1} more stages are`;
  return `; ${count} wrong by ${rest.length === 0 ? 'itself' : 'themselves'}, ${rest.length === 0 ? '' : 'next '}${placeOf(next)}`;
}

function place(layer: number | undefined, stage: string): string {
  return layer === undefined ? stage : `layer ${layer}, ${stage}`;
}

function evidence(c: Culprit): string {
  switch (c.metric) {
    case 'ratio':
      // The bound is 0 where the reference is 0 whatever the rounding: keys that the mask hides.
      if (c.value === Infinity) return 'not 0 where it must be';
      return `error ${short(c.value)} x its bound`;
    case 'cosine':
      return `cosine ${below(c.value, c.limit)}, limit ${c.limit}`;
    case 'length':
      return `${short(c.value)} x as long as the reference, limit ${short(c.limit)}`;
    case 'flip':
      return `experts chosen against its own probabilities`;
    case 'choice':
      return `it goes on with token ${c.value}, and the largest logit is that of ${c.limit}`;
    case 'bits':
      return `other bits than the same prompt had before, in ${plural(c.value, 'captured tensor')}`;
    case 'non-finite':
      return `${Number.isNaN(c.value) ? 'NaN' : 'infinite'}${onSide(c.side)}`;
  }
}

/** A person who reads the sentence alone must not go looking for a kernel that is right. */
function onSide(side: Culprit['side']): string {
  switch (side) {
    case 'both':
      return ' on both engines, so it comes from the file';
    case 'reference':
      return ' on the reference alone';
    case undefined:
      return '';
  }
}

function agreement(context: SentenceContext): string {
  const layers = new Set(context.rows.flatMap((row) => row.layer ?? [])).size;
  const measured = context.rows.filter((row) => row.count > 0);
  const stages = new Set(measured.map((row) => row.stage)).size;
  const size = `${plural(layers, 'layer')}, ${plural(stages, 'stage')}, ${plural(context.nTokens, 'token')}`;
  const ratios = measured.flatMap((row) => (row.maxRatio === undefined ? [] : [row.maxRatio]));
  const drifts = measured.flatMap((row) =>
    row.mode === 'free' && row.relL2 !== undefined && row.verdict === 'match' ? [row.relL2] : [],
  );
  // Engines that are no f32 kernels have no bounds.
  const alone = measured.flatMap((row) => (row.mode === 'isolated' && row.relL2 !== undefined ? [row.relL2] : []));
  const flips = measured.reduce((n, row) => n + (row.mode === 'free' ? (row.flips?.length ?? 0) : 0), 0);
  const parts = [
    ...(ratios.length > 0
      ? [`largest error ${short(largest(ratios))} x its bound`]
      : alone.length > 0
        ? [`relative L2 of a stage alone at most ${short(largest(alone))}`]
        : []),
    ...(drifts.length === 0 ? [] : [`free-running relative L2 at most ${short(largest(drifts))}`]),
    ...(flips === 0 ? [] : [`${plural(flips, 'routing flip')} within drift`]),
  ];
  return [`${size} agree`, ...parts].join('; ');
}

function largest(values: readonly number[]): number {
  return values.reduce((x, y) => Math.max(x, y), 0);
}

/** With as many digits as it takes to be seen to be below the limit: 0.98996, limit 0.99. */
function below(x: number, limit: number): string {
  const digits = [3, 4, 5, 6, 7, 8, 9].find((n) => Number(x.toPrecision(n)) < limit);
  return digits === undefined || Number(short(x)) < limit ? short(x) : String(Number(x.toPrecision(digits)));
}

function plural(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
