import { short } from '../base/format';
import { culpritOf, type BlameContext } from '../divergence/blame';
import { LIMITS } from '../divergence/limits';
import type { Culprit, Row, RunStatus } from '../divergence/report';
import { placeOf } from '../divergence/sentence';
import { wrongParameters, wrongParameterText, type WrongParameter } from '../model/graph-parameters';
import type { HParams } from '../model/hparams';
import { locationKey } from '../model/location';
import { CHOSEN_EXPERTS } from '../model/stage-roles';
import type { Trace } from '../trace/trace';
import { ARITHMETICS } from './arithmetics';
import { judgedRows } from './judged-rows';
import type { LocalError } from './local-errors';
import { isProduct, type NamedArithmetic } from './name-arithmetic';

/** Additive changes keep the number. Rows are those of a report, of mode `local`. */
export const JUDGEMENT_SCHEMA = 'moescope-judgement/1';

export interface Judgement {
  readonly verdict: {
    readonly status: Extract<RunStatus, 'match' | 'diverged' | 'not-finite' | 'incomplete'>;
    readonly sentence: string;
    readonly first?: Culprit;
    readonly others?: readonly Culprit[];
  };
  readonly arithmetic: readonly NamedArithmetic[];
  /** Forward order; `arithmetic` says whose bound the ratio is of. */
  readonly rows: readonly Row[];
  /** Parameters of the engine's graph against the file's, exactly; absent where the captures tell none. */
  readonly parameters?: { readonly compared: number; readonly wrong: readonly WrongParameter[] };
}

/** What a judgement is made of beside the errors. */
export interface JudgedRun {
  /** The candidate's captures. */
  readonly trace: Trace;
  readonly hparams: HParams;
  /** ggml type of a weight by its name. */
  readonly typeOf: (tensor: string) => string | undefined;
  /** As {@link BlameContext.inFile}. */
  readonly inFile?: BlameContext['inFile'];
}

/** What the local errors of a whole run come to. */
export function judgementOf(errors: readonly LocalError[], input: JudgedRun): Judgement {
  const { hparams, typeOf, inFile, trace } = input;
  const { arithmetics, rows } = judgedRows(errors, input);
  const context: BlameContext = {
    hparams,
    typeOf,
    ...(inFile === undefined ? {} : { inFile }),
    expertAt: (layer, position, slot) => {
      const captured = trace.captures.get(locationKey(layer, CHOSEN_EXPERTS));
      const row = captured?.positions.indexOf(position) ?? -1;
      return row < 0 ? undefined : captured?.data[row * hparams.nExpertUsed + slot];
    },
  };
  const limits = { cosine: LIMITS.cosine.value, ratio: LIMITS.ratio.value };
  // What is not finite in the inputs is not finite in the exact value either: inherited, unless nothing else is wrong.
  const own = rows.filter((row) => row.verdict !== 'nan-both').flatMap((row) => culpritOf(row, limits, context) ?? []);
  const culprits = own.length > 0 ? own : rows.flatMap((row) => culpritOf(row, limits, context) ?? []);
  const [first, ...others] = culprits;
  const told = trace.provenance.parameters;
  const wrong = wrongParameters(told ?? [], hparams);
  const ofStages = statusOf(first, rows);
  // A graph that says another number than the file is wrong, also where its effect is below every bound.
  const status = wrong.length > 0 && ofStages !== 'not-finite' ? 'diverged' : ofStages;
  const ofRows = sentenceOf(ofStages, first, others.length, rows, arithmetics);
  const texts = wrong.map(wrongParameterText).join('; ');
  return {
    verdict: {
      status,
      sentence: wrong.length === 0 ? ofRows : `${wordOf(status)}: the graph's ${texts}. Stages: ${ofRows}`,
      ...(first === undefined ? {} : { first }),
      ...(others.length === 0 ? {} : { others }),
    },
    arithmetic: arithmetics,
    rows,
    ...(told === undefined ? {} : { parameters: { compared: told.length, wrong } }),
  };
}

type Status = Judgement['verdict']['status'];

function statusOf(first: Culprit | undefined, rows: readonly Row[]): Status {
  if (first !== undefined) return first.metric === 'non-finite' ? 'not-finite' : 'diverged';
  return rows.some((row) => row.count > 0) ? 'match' : 'incomplete';
}

/** How the sentence of something wrong begins. */
function wordOf(status: Status): string {
  return status === 'not-finite' ? 'NOT FINITE' : 'DIVERGED';
}

function sentenceOf(
  status: Status,
  first: Culprit | undefined,
  others: number,
  rows: readonly Row[],
  arithmetics: readonly NamedArithmetic[],
): string {
  if (first !== undefined) {
    const more =
      others === 0
        ? ''
        : `; ${others} more ${others === 1 ? 'stage is' : 'stages are'} wrong by ${others === 1 ? 'itself' : 'themselves'}`;
    const what =
      first.metric === 'non-finite'
        ? 'not finite'
        : `error ${short(first.value)} x the bound of its arithmetic, from its own inputs`;
    return `${wordOf(status)}: first wrong at ${placeOf(first)}: ${what}${more}`;
  }
  if (status === 'incomplete') return 'INCOMPLETE: no stage was captured together with its inputs';
  const judged = rows.filter((row) => row.count > 0);
  const layers = new Set(judged.flatMap((row) => row.layer ?? [])).size;
  const stages = new Set(judged.map((row) => row.stage)).size;
  const products = arithmetics.filter(isProduct);
  const all = products.map(({ operation, type, arithmetic }) => {
    const known = ARITHMETICS.find(({ id }) => id === arithmetic);
    return `${operation === 'matmul' ? 'products' : "experts' products"} of ${type === '' ? 'weights' : type}: ${known?.title ?? 'unknown'}`;
  });
  const clauses = [...new Set(all)];
  return `MATCH: every stage is right from its own inputs (${layers} layers, ${stages} stages)${clauses.length === 0 ? '' : `; ${clauses.join('; ')}`}`;
}
