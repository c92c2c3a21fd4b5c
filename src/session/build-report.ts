import type { SumOrder } from '../base/f32-error';
import { plural, short } from '../base/format';
import { inForwardOrder, type BlameContext } from '../divergence/blame';
import { causeText, type Cause } from '../divergence/cause';
import { evidenceClause, isBlank } from '../divergence/evidence';
import { limitsOf } from '../divergence/limits';
import { nonFiniteOf } from '../divergence/non-finite';
import { headroomOf } from '../divergence/reach';
import {
  COMPARE_MODES,
  REPORT_SCHEMA,
  type AdapterCard,
  type Coverage,
  type CoveredPath,
  type Culprit,
  type DecodedStep,
  type ModelCard,
  type NonFinite,
  type Report,
  type RoutingRow,
  type Row,
  type TokenMaker,
  type TopToken,
  type Verdict,
} from '../divergence/report';
import { rolesOf } from '../divergence/roles';
import { divergedAt } from '../divergence/sentence';
import { judge } from '../divergence/verdict';
import type { Capture } from '../model/engine';
import type { Fault } from '../model/faults';
import type { HParams } from '../model/hparams';
import type { LiveFacts } from '../model/live';
import type { TracePlan } from '../model/plan';
import { stagesOf } from '../model/graph-of';
import { LOGITS } from '../model/stage-roles';
import type { StageId } from '../model/stages';
import type { ContinuedPart, DecodedToken } from './decode-run';
import type { RunSpec } from './events';
import { liveNotes, unwatched } from './live-notes';
import { injectedFaults, unseenClause } from './injected-faults';
import type { TimeBook } from './time-book';
import { locationKey } from '../model/location';

/** How many tokens `top` lists. */
const TOP = 5;

/** What the caller knows of the run. */
export interface ReportParts {
  readonly tool: Report['tool'];
  readonly runtime: Report['runtime'];
  readonly browser?: Report['browser'];
  readonly model: ModelCard;
  /** ggml type of a tensor by GGUF name. */
  typeOf(tensor: string): string | undefined;
  /** As {@link BlameContext.inFile}. */
  readonly inFile?: BlameContext['inFile'];
  tokenText(id: number): string;
  memory(): {
    readonly gpuWeightBytes: number;
    readonly gpuPeakBytes: number;
    readonly expertsRead: number;
    readonly cacheHitRate?: number;
  };
}

export interface ReportInput {
  readonly parts: ReportParts;
  readonly spec: RunSpec;
  readonly hparams: HParams;
  readonly plan: TracePlan;
  readonly adapter: AdapterCard | undefined;
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  /** Of the candidate's products. */
  readonly sumOrder: SumOrder;
  readonly times: TimeBook;
  readonly layersDone: number;
  readonly traceBytes: number;
  readonly bytesRead: number;
  readonly logits: { readonly a: Capture | undefined; readonly b: Capture | undefined };
  readonly engines: readonly string[];
  /** What was put in on purpose. */
  readonly faults: readonly Fault[];
  /** Tokens behind the prompt. */
  readonly decoded: readonly DecodedToken[];
  /** Of the prompt run as two. */
  readonly continued?: ContinuedPart | undefined;
  /** Why products are wrong, by `locationKey`. */
  readonly causes: ReadonlyMap<string, Cause>;
  /** What is not finite on each engine. */
  readonly nonFinite: { readonly a: NonFinite | undefined; readonly b: NonFinite | undefined };
  /** The candidate's kernels. */
  readonly coverage?: Coverage | undefined;
  /** What a live llama.cpp says of itself. */
  readonly live?: LiveFacts | undefined;
}

/** The report of a run: the one record that page, command line and tests share. */
export function buildReport(input: ReportInput): Report {
  const { parts, spec, plan } = input;
  const limits = limitsOf(spec.cosineLimit);
  const { decoded, clause, wrong, continued } = judgeDecoded(input);
  const judged = judge(
    {
      rows: input.rows,
      limits,
      complete: true,
      whole: isWhole(input),
      layersDone: input.layersDone,
      nTokens: spec.tokens.length,
      engines: input.engines,
      nonFinite: input.nonFinite.a ?? input.nonFinite.b,
      arithmetic: input.adapter?.arithmetic,
    },
    blameContext(input),
  );
  const injected = injectedFaults(input.faults, { ...input, nTokens: spec.tokens.length });
  const ofFile = parts.model.notes ?? [];
  const headroom = headroomOf(judged.rows);
  const isBlind =
    judged.verdict.status === 'match' && judged.rows.some((row) => row.stage === LOGITS && isBlank(row, input.hparams));
  const notes = [...ofFile, ...(input.live === undefined ? [] : liveNotes(input.live)), ...lengthNotes(input)];
  return {
    schema: REPORT_SCHEMA,
    tool: parts.tool,
    created: new Date().toISOString(),
    model: parts.model,
    run: {
      ...(spec.prompt === undefined ? {} : { prompt: spec.prompt }),
      tokens: spec.tokens,
      tokenTexts: spec.tokens.map((id) => parts.tokenText(id)),
      positions: plan.positions,
      stages: plan.stages,
      layers: plan.layers,
      mode: spec.mode,
      arms: input.engines,
      ...rolesOf(input.engines),
      ...(spec.routing === 'reference' ? { routing: spec.routing } : {}),
      ...(input.sumOrder === 'chunked' ? { sumOrder: input.sumOrder } : {}),
      ...(injected.length === 0 ? {} : { inject: injected.map((fault) => fault.spec), injected }),
    },
    limits,
    ...(input.adapter === undefined ? {} : { adapter: input.adapter }),
    ...(parts.browser === undefined ? {} : { browser: parts.browser }),
    runtime: parts.runtime,
    verdict: unwatched(
      judged.verdict.status === 'match' && wrong !== undefined
        ? wrong
        : {
            ...judged.verdict,
            ...(isBlind ? { status: 'incomplete' as const } : {}),
            sentence:
              (isBlind
                ? judged.verdict.sentence.replace('MATCH:', 'INCOMPLETE: the logits are 0 whatever the prompt;')
                : judged.verdict.sentence) +
              (judged.verdict.status === 'match' ? evidenceClause({ ...input, inFile: parts.inFile }) : '') +
              aloneClause(judged.verdict, input.rows) +
              clause +
              unseenClause(injected) +
              unreadClause(ofFile),
          },
      input.live,
    ),
    ...(decoded.length === 0 ? {} : { decoded }),
    ...(input.live === undefined ? {} : { live: input.live }),
    ...(notes.length === 0 ? {} : { notes }),
    ...nonFiniteOf(input.nonFinite.a, input.nonFinite.b),
    rows: COMPARE_MODES.flatMap((mode) => inForwardOrder(judged.rows, mode)),
    routing: input.routing,
    ...(headroom.length === 0 ? {} : { headroom }),
    timing: input.times.timing(spec.tokens.length),
    ...(input.coverage === undefined ? {} : { coverage: withPath(input.coverage, continued) }),
    memory: { ...parts.memory(), traceBytes: input.traceBytes, bytesRead: input.bytesRead },
    top: { a: topTokens(input.logits.a, parts), b: topTokens(input.logits.b, parts) },
  };
}

/** What is said of the tokens behind the prompt, and of a prompt that continues another: the first that is wrong, else a clause for the sentence. */
function judgeDecoded(input: ReportInput): {
  readonly decoded: readonly DecodedStep[];
  readonly clause: string;
  readonly wrong: Verdict | undefined;
  readonly continued: CoveredPath | undefined;
} {
  let wrong: Verdict | undefined;
  let most = 0;
  const judgeRows = ({ rows, routing }: ContinuedPart, nTokens: number): Verdict =>
    judge(
      {
        rows,
        limits: limitsOf(input.spec.cosineLimit),
        complete: true,
        layersDone: input.layersDone,
        nTokens,
        engines: input.engines,
      },
      blameContext({ ...input, routing }),
    ).verdict;
  const tell = (verdict: Verdict, where: string): void => {
    if (wrong === undefined && verdict.status !== 'match')
      wrong = { ...verdict, sentence: `${verdict.sentence}; ${where}, the prompt is right` };
  };
  const decoded = input.decoded.map((step): DecodedStep => {
    const { by, token, position, rows } = step;
    const ofRows = judgeRows(step, 1);
    const verdict = ofRows.status === 'match' ? (choiceVerdict(step) ?? ofRows) : ofRows;
    tell(verdict, `while ${by === 'decoder' ? 'the fast decoder decodes' : 'decoding'}`);
    const worst = worstOf(rows);
    most = Math.max(most, worst?.ratio ?? 0);
    const measured = rows.filter((row) => row.count > 0).length;
    return { by, token, position, status: verdict.status, rows: measured, ...(worst === undefined ? {} : { worst }) };
  });
  let continued: CoveredPath | undefined;
  if (input.continued !== undefined) {
    const verdict = judgeRows(input.continued, input.spec.tokens.length - input.continued.position);
    tell(verdict, `where the prompt is run as two, from token ${input.continued.position} on`);
    continued = { path: 'continued', ran: true, status: verdict.status };
  }
  const made = (by: TokenMaker): number => decoded.filter((step) => step.by === by).length;
  const what =
    made('decoder') === 0
      ? plural(decoded.length, 'decoded token')
      : `${plural(made('engine'), 'token')} decoded by the engine and ${made('decoder')} by the fast decoder`;
  const clause =
    decoded.length === 0
      ? ''
      : `; ${what} ${decoded.length === 1 ? 'agrees' : 'agree'}, largest error ${short(most)} x its bound`;
  return { decoded, clause: wrong === undefined ? clause : '', wrong, continued };
}

function withPath(coverage: Coverage, path: CoveredPath | undefined): Coverage {
  return path === undefined ? coverage : { ...coverage, paths: [...(coverage.paths ?? []), path] };
}

/** A token that is none of what its own logits say. */
function choiceVerdict({ wrongChoice, position }: DecodedToken): Verdict | undefined {
  if (wrongChoice === undefined) return undefined;
  const place = { layer: undefined, stage: LOGITS, position, mode: 'local' } as const;
  const first: Culprit = { ...place, metric: 'choice', value: wrongChoice.own, limit: wrongChoice.best };
  return { status: 'diverged', first, sentence: divergedAt(first) };
}

function worstOf(rows: readonly Row[]): DecodedStep['worst'] {
  let worst: DecodedStep['worst'];
  for (const { layer, stage, maxRatio } of rows) {
    if (maxRatio !== undefined && !(maxRatio <= (worst?.ratio ?? -1))) worst = { layer, stage, ratio: maxRatio };
  }
  return worst;
}

/** That the culprit is wrong as it ran and right by itself: not its kernel, but what ran it. */
function aloneClause({ first }: Verdict, rows: readonly Row[]): string {
  if (first?.mode !== 'local') return '';
  const alone = rows.find(
    ({ mode, layer, stage }) => mode === 'isolated' && layer === first.layer && stage === first.stage,
  );
  return alone?.verdict === 'match' ? "; fed the reference's inputs, its kernel alone is right" : '';
}

/** Nothing of the run was left out of the comparison. */
function isWhole({ plan, hparams, spec }: ReportInput): boolean {
  const stages: ReadonlySet<StageId> = new Set(plan.stages);
  return (
    plan.layers.length === hparams.nLayer &&
    plan.positions.length === spec.tokens.length &&
    stagesOf(hparams).every((stage) => stages.has(stage))
  );
}

/** The sentence alone says that the file holds more than was run; the notes say what. */
function unreadClause(notes: readonly string[]): string {
  return notes.length === 0 ? '' : `; ${plural(notes.length, 'note')} on what the file says and nobody reads`;
}

/** A prompt longer than the model was made for runs, as llama.cpp runs it; what comes of it is the model's affair, and is told. */
function lengthNotes({ hparams, spec }: ReportInput): readonly string[] {
  const [tokens, most] = [spec.tokens.length, hparams.nCtxTrain];
  if (most === 0 || tokens <= most) return [];
  return [`The prompt has ${plural(tokens, 'token')}; the model was made for ${most} (context_length).`];
}

function blameContext(input: ReportInput): BlameContext {
  const choices = new Map(input.routing.map((row) => [`${row.layer}/${row.position}`, row]));
  return {
    hparams: input.hparams,
    typeOf: (tensor) => input.parts.typeOf(tensor),
    ...(input.parts.inFile === undefined ? {} : { inFile: input.parts.inFile }),
    expertAt: (layer, position, slot, mode) => {
      const row = choices.get(`${layer}/${position}`);
      return (mode === 'local' ? (row?.a ?? row?.b) : (row?.b ?? row?.a))?.experts[slot];
    },
    hintAt: (layer, stage) => {
      const cause = input.causes.get(locationKey(layer, stage));
      return cause === undefined ? undefined : { text: causeText(cause), cause };
    },
  };
}

/** The likeliest next tokens at the last captured position. NaN logits come first: they are what a person must see. */
function topTokens(logits: Capture | undefined, parts: ReportParts): readonly TopToken[] {
  if (logits === undefined) return [];
  const nVocab = logits.shape[1] ?? 0;
  const last = logits.data.subarray(logits.data.length - nVocab);
  const best: number[] = [];
  const above = (x: number, y: number): boolean => (Number.isNaN(x) ? !Number.isNaN(y) : x > y);
  for (let id = 0; id < last.length; id++) {
    const at = best.findIndex((other) => above(last[id]!, last[other]!));
    if (at >= 0) best.splice(at, 0, id);
    else if (best.length < TOP) best.push(id);
    if (best.length > TOP) best.pop();
  }
  return best.map((token) => ({ token, text: parts.tokenText(token), logit: last[token] ?? NaN }));
}
