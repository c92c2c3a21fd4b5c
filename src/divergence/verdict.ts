import { SUSPICIOUS_ESTIMATE } from '../base/f32-error';
import type { AdapterArithmetic } from '../model/adapter-card';
import { forwardOrder, locationKey } from '../model/location';
import { amplificationOf } from './amplification';
import { culpritOf, inForwardOrder, nonFiniteCulprit, type BlameContext } from './blame';
import type { Culprit, NonFinite, Row, RunStatus, Verdict } from './report';
import { beyondF32, belowF32 } from './reach';
import { sentenceOf } from './sentence';

export interface VerdictInput {
  readonly rows: readonly Row[];
  readonly limits: { readonly cosine: number; readonly ratio: number };
  /** False when the run was cut short. */
  readonly complete: boolean;
  readonly layersDone: number;
  readonly nTokens: number;
  /** Every layer, stage and position of the run was compared. */
  readonly whole?: boolean;
  /** The engines that ran. One alone is captured, not compared. */
  readonly engines: readonly string[];
  /** The first value that is not finite on any engine: all that can be said against an engine alone. */
  readonly nonFinite?: NonFinite | undefined;
  /** How the candidate's adapter computes, where it was asked. */
  readonly arithmetic?: AdapterArithmetic | undefined;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The rows with `victim` in place of `diverge` or `nan-gpu` downstream of the culprit. */
  readonly rows: readonly Row[];
}

/**
 * The whole run in one word and one sentence. Rows of stages by themselves decide where there are any, local ones before isolated ones: the
 * first in forward order that is wrong although its inputs are right is the culprit, and free-running rows from there on are its victims.
 * Without them the first free-running row that parts is named; where every stage of the whole run is right from its own inputs, what parts is the
 * model's own amplification of rounding, and nobody is blamed. Values that both engines agree are not finite come from the file, and count as a defect too.
 */
export function judge(input: VerdictInput, context: BlameContext): Judgement {
  const local = inForwardOrder(input.rows, 'local');
  const isolated = inForwardOrder(input.rows, 'isolated');
  const alone = [...local, ...isolated];
  const free = inForwardOrder(input.rows, 'free');
  const faults = byPlace(culprits(alone, input, context));
  const parted = culprits(free, input, context);
  // A whole engine or stage that is not there can't be called a match.
  const missing = input.rows.find((row) => row.verdict === 'missing');
  const first =
    alone.length > 0 ? (faults[0] ?? (parted[0]?.metric === 'non-finite' ? parted[0] : undefined)) : parted[0];
  const unexplained = alone.length > 0 && first === undefined ? parted[0] : undefined;
  const nonFinite =
    input.engines.length < 2 && input.nonFinite !== undefined ? nonFiniteCulprit(input.nonFinite, context) : undefined;
  const isBlameless = unexplained !== undefined && input.whole === true && isJudged(free, local);
  const named = first ?? (isBlameless ? undefined : unexplained) ?? nonFinite;
  const incomplete = missing !== undefined || !input.complete || input.engines.length < 2;
  const left = leavesF32(input.rows, named, isBlameless ? unexplained : undefined);
  const suspect = named === undefined && !isBlameless && !incomplete ? suspicious(alone) : undefined;
  const status =
    left !== undefined
      ? 'out-of-range'
      : isBlameless
        ? 'ill-conditioned'
        : suspect === undefined
          ? statusOf(named, incomplete)
          : 'suspicious';
  const amplification = isBlameless && left === undefined ? amplificationOf(free, context.hparams) : undefined;
  // What both engines find not finite is inherited, not a fault of its own.
  const others =
    first === undefined
      ? []
      : byPlace(
          culprits(
            alone.filter((row) => row.verdict !== 'nan-both'),
            input,
            context,
          ),
        ).filter((c) => !same(c, first));
  const verdict: Verdict = {
    status,
    sentence: sentenceOf(status, named, {
      ...input,
      missing,
      others,
      parted: unexplained,
      amplification,
      suspect,
      left,
    }),
    ...(named === undefined ? {} : { first: named }),
    ...(others.length === 0 ? {} : { others }),
    ...(isBlameless ? { parted: unexplained } : {}),
    ...(amplification === undefined ? {} : { amplification }),
  };
  return { verdict, rows: faults[0] === undefined ? input.rows : labelVictims(input.rows, faults[0]) };
}

/**
 * Where the model itself leaves f32, if that is what the run parts by: no f32 kernel can hold what the exact side says the stage is. Values too large make
 * everything from there on infinite, so they excuse what parts there or later. Values too small become 0, which mostly harms nothing: they are
 * named where every stage is right from its own inputs and the run parts all the same.
 */
function leavesF32(rows: readonly Row[], named: Culprit | undefined, parted: Culprit | undefined): Row | undefined {
  const free = inForwardOrder(rows, 'free');
  const all = [...free, ...inForwardOrder(rows, 'local'), ...inForwardOrder(rows, 'isolated')].toSorted(forwardOrder);
  if (named !== undefined) return all.find((row) => beyondF32(row) && forwardOrder(row, named) <= 0);
  return parted === undefined ? undefined : all.find((row) => belowF32(row) && forwardOrder(row, parted) <= 0);
}

function statusOf(named: Culprit | undefined, incomplete: boolean): RunStatus {
  if (named !== undefined) return named.metric === 'non-finite' ? 'not-finite' : 'diverged';
  return incomplete ? 'incomplete' : 'match';
}

/** In forward order, one for each place: how the candidate ran goes before how its kernel runs alone. */
function byPlace(found: readonly Culprit[]): readonly Culprit[] {
  const unique = found.filter((c, i) => found.findIndex((other) => same(other, c)) === i);
  return unique.toSorted(forwardOrder);
}

/** The product whose errors are largest for independent roundings to nearest, where those are not to be expected. */
function suspicious(alone: readonly Row[]): Row | undefined {
  return alone.find(({ maxEstimate = 0 }) => maxEstimate > SUSPICIOUS_ESTIMATE);
}

/** Whether every stage that was compared free-running was also held to its own inputs. */
function isJudged(free: readonly Row[], local: readonly Row[]): boolean {
  const judged = new Set(local.filter((row) => row.count > 0).map(({ layer, stage }) => locationKey(layer, stage)));
  return free.every(({ count, layer, stage }) => count === 0 || judged.has(locationKey(layer, stage)));
}

function culprits(rows: readonly Row[], input: VerdictInput, context: BlameContext): readonly Culprit[] {
  return rows.flatMap((row) => culpritOf(row, input.limits, context) ?? []);
}

function labelVictims(rows: readonly Row[], culprit: Culprit): readonly Row[] {
  const order = inForwardOrder(rows, 'free');
  const at = order.findIndex((row) => row.layer === culprit.layer && row.stage === culprit.stage);
  const victims = new Set(order.slice(at + 1).filter((row) => row.verdict === 'diverge' || row.verdict === 'nan-gpu'));
  return rows.map((row) => (victims.has(row) ? { ...row, verdict: 'victim' } : row));
}

function same(x: Culprit, y: Culprit): boolean {
  return x.layer === y.layer && x.stage === y.stage;
}
