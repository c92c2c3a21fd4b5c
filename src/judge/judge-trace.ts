import { CHOSEN_EXPERTS, EMBEDDING, LAYER_OUTPUT } from '../model/stage-roles';
import { throwIfAborted } from '../base/abort';
import { short } from '../base/format';
import { culpritOf, type BlameContext } from '../divergence/blame';
import { placeOf } from '../divergence/sentence';
import { LIMITS } from '../divergence/limits';
import type { Culprit, Row, RunStatus } from '../divergence/report';
import type { Taps } from '../divergence/compare-step';
import type { IsolatingEngine, Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { stagesOfStep } from '../model/graph-of';
import { isBeforeLayers, type StageId } from '../model/stages';
import { formatError } from '../trace/format-error';
import { type Trace } from '../trace/trace';
import { locationKey } from '../model/location';
import { ARITHMETICS } from './arithmetics';
import { localErrors, type LocalError } from './local-errors';
import { judgedRows } from './judged-rows';
import type { NamedArithmetic } from './name-arithmetic';

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
}

export interface JudgeTraceInput {
  /** The candidate's captures. */
  readonly trace: Trace;
  readonly hparams: HParams;
  /** ggml type of a weight by its name. */
  readonly typeOf: (tensor: string) => string | undefined;
  readonly exact: IsolatingEngine;
  readonly quantised: IsolatingEngine;
  readonly onLayer?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Judges another engine's captures stage by stage, each from its own captured inputs, whatever the engine computes in: names its arithmetic for every
 * kind of operation, and the first stage that its arithmetic does not explain.
 * @throws TracerError `trace-format` where the captures are not of whole prompts; those of the engines
 */
export async function judgeTrace(input: JudgeTraceInput): Promise<Judgement> {
  const { trace, hparams, exact, quantised, signal } = input;
  const taps = wholePrompts(trace);
  const nTokens = [...taps.values()][0]?.positions.length ?? 0;
  // The prompt is for the embedding alone; positions are what the others need.
  const tokens = trace.provenance.tokens;
  const ids = Uint32Array.from({ length: nTokens }, (_, i) => tokens?.[i] ?? 0);
  const none = { capture: new Map(), ...(signal === undefined ? {} : { signal }) };
  await exact.begin(ids, 0, none);
  await quantised.begin(ids, 0, none);
  const errors: LocalError[] = [];
  const step = async (
    layer: number | undefined,
    stages: readonly StageId[],
    layerInput: Tap | undefined,
  ): Promise<void> => {
    throwIfAborted(signal);
    const own: Taps = new Map(
      stages.flatMap((stage) => {
        const tap = taps.get(locationKey(layer, stage));
        return tap === undefined ? [] : [[stage, tap] as const];
      }),
    );
    const candidate = trace.provenance.arm;
    const judged = await localErrors({ layer, stages, own, layerInput, exact, quantised, hparams, candidate, signal });
    errors.push(...judged.errors);
  };
  const ofModel = stagesOfStep(hparams, undefined);
  const knows = tokens?.length === nTokens;
  await step(
    undefined,
    ofModel.filter((stage) => isBeforeLayers(stage) && knows),
    undefined,
  );
  let layerInput = taps.get(EMBEDDING);
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    await step(layer, stagesOfStep(hparams, layer), layerInput);
    layerInput = taps.get(locationKey(layer, LAYER_OUTPUT));
    input.onLayer?.(layer + 1, hparams.nLayer);
  }
  await step(
    undefined,
    ofModel.filter((stage) => !isBeforeLayers(stage)),
    layerInput,
  );
  return judgementOf(errors, input);
}

/** Captures of all positions from 0 on: what lies at a few of them cannot be fed to attention. */
function wholePrompts({ taps, provenance }: Trace): ReadonlyMap<string, Tap> {
  const longest = [...taps.values()].reduce((most, tap) => Math.max(most, tap.positions.length), 0);
  const whole = new Map([...taps].filter(([, tap]) => tap.positions.length === longest && tap.positions[0] === 0));
  if (whole.size > 0) return whole;
  throw formatError(
    provenance.arm,
    'captures of the whole prompt, from its first token on',
    `${taps.size} that begin later`,
    'Capture all positions of a shorter prompt.',
  );
}

function judgementOf(errors: readonly LocalError[], input: JudgeTraceInput): Judgement {
  const { hparams, typeOf, trace } = input;
  const { arithmetics, rows } = judgedRows(errors, input);
  const context: BlameContext = {
    hparams,
    typeOf,
    expertAt: (layer, position, slot) => {
      const tap = trace.taps.get(locationKey(layer, CHOSEN_EXPERTS));
      const row = tap?.positions.indexOf(position) ?? -1;
      return row < 0 ? undefined : tap?.data[row * hparams.nExpertUsed + slot];
    },
  };
  const limits = { cosine: LIMITS.cosine.value, ratio: LIMITS.ratio.value };
  // What is not finite in the inputs is not finite in the exact value either: inherited, unless nothing else is wrong.
  const own = rows.filter((row) => row.verdict !== 'nan-both').flatMap((row) => culpritOf(row, limits, context) ?? []);
  const culprits = own.length > 0 ? own : rows.flatMap((row) => culpritOf(row, limits, context) ?? []);
  const [first, ...others] = culprits;
  const measured = rows.filter((row) => row.count > 0).length;
  const status =
    first !== undefined
      ? first.metric === 'non-finite'
        ? 'not-finite'
        : 'diverged'
      : measured === 0
        ? 'incomplete'
        : 'match';
  return {
    verdict: {
      status,
      sentence: sentenceOf(status, first, others.length, rows, arithmetics),
      ...(first === undefined ? {} : { first }),
      ...(others.length === 0 ? {} : { others }),
    },
    arithmetic: arithmetics,
    rows,
  };
}

function sentenceOf(
  status: Judgement['verdict']['status'],
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
    return `${status === 'not-finite' ? 'NOT FINITE' : 'DIVERGED'}: first wrong at ${placeOf(first)}: ${what}${more}`;
  }
  if (status === 'incomplete') return 'INCOMPLETE: no stage was captured together with its inputs';
  const judged = rows.filter((row) => row.count > 0);
  const layers = new Set(judged.flatMap((row) => row.layer ?? [])).size;
  const stages = new Set(judged.map((row) => row.stage)).size;
  const products = arithmetics.filter(({ operation }) => operation.endsWith('matmul'));
  const all = products.map(({ operation, type, arithmetic }) => {
    const known = ARITHMETICS.find(({ id }) => id === arithmetic);
    return `${operation === 'matmul' ? 'products' : "experts' products"} of ${type === '' ? 'weights' : type}: ${known?.title ?? 'unknown'}`;
  });
  const clauses = [...new Set(all)];
  return `MATCH: every stage is right from its own inputs (${layers} layers, ${stages} stages)${clauses.length === 0 ? '' : `; ${clauses.join('; ')}`}`;
}
