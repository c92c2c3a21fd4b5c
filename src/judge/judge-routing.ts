import { throwIfAborted } from '../base/abort';
import { fail } from '../base/errors';
import { short } from '../base/format';
import type { Engine, StepOptions, Capture } from '../model/engine';
import { stageNode, stagesOf, stagesOfStep } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { routerRanks } from '../model/router-ranks';
import { topK } from '../ops/top-k/exact';
import { CHOSEN_EXPERTS, CHOSEN_GROUPS, ROUTER_LOGITS, ROUTER_RANKS } from '../model/stage-roles';
import type { Routing, RoutingShape } from '../trace/routing-file';

/** Additive changes keep the number. */
export const ROUTING_SCHEMA = 'moescope-routing/1';

/** What a choice is, the harmless first. */
export const FLIP_KINDS = ['same', 'tie', 'drift', 'wrong'] as const;
export type FlipKind = (typeof FLIP_KINDS)[number];

/** A token's choice in a layer that is not the exact one. */
export interface RoutingFlip {
  readonly layer: number;
  readonly position: number;
  readonly kind: Exclude<FlipKind, 'same'>;
  /** Chosen, and not by the exact router. */
  readonly chosen: readonly number[];
  /** What the exact router chooses in their place. */
  readonly instead: readonly number[];
  /** By how much the worst of the chosen ones falls short, in the router's own values (logits of a softmax). */
  readonly margin: number;
  /** What rounding the router to f32 may make of it, and what drift may. */
  readonly rounding: number;
  readonly drift: number;
}

export type Shares = Readonly<Record<FlipKind, { readonly count: number; readonly share: number }>>;

export interface RoutingJudgement {
  readonly verdict: {
    readonly status: 'match' | 'diverged';
    readonly sentence: string;
    readonly first?: RoutingFlip;
  };
  /** Tokens by the worst of their choices, and choices (a token in a layer). */
  readonly tokens: Shares;
  readonly choices: Shares;
  /** Forward order. */
  readonly flips: readonly RoutingFlip[];
}

/**
 * CHOSEN: how many times the drift of its arithmetic, as one run shows it, an engine's may be. Two engines of one arithmetic drift independently: the
 * difference of two experts' drifts has sqrt(2) of its root mean square, and 8 of that is beyond what thousands of tokens show.
 */
const DRIFT_FACTOR = 8 * Math.SQRT2;

export interface JudgeRoutingInput {
  readonly routing: Routing;
  readonly tokens: readonly number[];
  readonly hparams: HParams;
  /** Exact, and in the arithmetic that the engine is said to compute in; both can be given experts. */
  readonly exact: Engine;
  readonly drifting: Engine;
  readonly signal?: AbortSignal;
}

/** Which layers choose, and among how many. */
export function routingShape(hparams: HParams): RoutingShape {
  const { nLayer, nExpert, nExpertUsed } = hparams;
  const layers = Array.from({ length: nLayer }, (_, layer) => layer);
  const moeLayers = layers.filter((layer) => stagesOfStep(hparams, layer).includes(CHOSEN_EXPERTS));
  return { nLayer, moeLayers, nExpert, nExpertUsed };
}

/**
 * Judges chosen experts alone. The prompt is run exactly with the engine's own choices forced, so that each choice is asked of the path that the engine
 * took; the same in its arithmetic shows how far its router's values drift. A choice that is not the exact one is a tie within rounding, explained by
 * that drift, or wrong.
 * @throws TracerError of the engines; `run-cancelled`; `gguf-unsupported` where experts are chosen within groups
 */
export async function judgeRouting(input: JudgeRoutingInput): Promise<RoutingJudgement> {
  const { routing, hparams, exact, drifting, signal } = input;
  refuseGroups(hparams);
  const ids = Uint32Array.from(input.tokens.slice(0, routing.nTokens));
  const at = Array.from(ids, (_, i) => i);
  const none: StepOptions = { capture: new Map(), ...(signal === undefined ? {} : { signal }) };
  for (const engine of [exact, drifting]) await engine.begin(ids, 0, none);
  const flips: RoutingFlip[] = [];
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    throwIfAborted(signal);
    const chosen = routing.layers.get(layer);
    const wanted = [ROUTER_LOGITS, ...ROUTER_RANKS];
    const stages = chosen === undefined ? [] : stagesOfStep(hparams, layer).filter((id) => wanted.includes(id));
    const options: StepOptions = {
      ...none,
      capture: new Map(stages.map((stage) => [stage, at])),
      ...(chosen === undefined ? {} : { forcedExperts: chosen }),
    };
    const truth = await exact.layer(layer, { ...options, bounds: true, exact: true });
    const drifted = await drifting.layer(layer, { ...options, exact: true });
    if (chosen === undefined) continue;
    const [values, other] = [valuesOf(truth.captures, layer, hparams), valuesOf(drifted.captures, layer, hparams)];
    if (values !== undefined && other !== undefined) flips.push(...flipsOf(layer, chosen, values, other, hparams));
  }
  return judgement(flips, routing);
}

/** How far the choice of groups may drift is not derived: without that, experts of other groups would be called wrong. */
function refuseGroups(hparams: HParams): void {
  if (!stagesOf(hparams).includes(CHOSEN_GROUPS)) return;
  throw fail(
    'gguf-unsupported',
    'This model chooses experts within groups, and such choices are not judged without the values behind them.',
    'Dump the router of the engine as well, and judge that.',
    { arch: hparams.arch },
  );
}

/** The values that experts are chosen by, where differences mean the same for all: logits of a softmax, else what is ranked. */
function valuesOf(captures: ReadonlyMap<string, Capture>, layer: number, hparams: HParams): Capture | undefined {
  const ranks = routerRanks(captures);
  const bySoftmax = ranks !== undefined && stageNode(hparams, ranks.stage, layer)?.op === 'softmax';
  return bySoftmax ? (captures.get(ROUTER_LOGITS) ?? ranks) : ranks;
}

function flipsOf(
  layer: number,
  chosen: Uint32Array,
  truth: Capture,
  drifted: Capture,
  hparams: HParams,
): readonly RoutingFlip[] {
  const { nExpert, nExpertUsed: k } = hparams;
  const flips: RoutingFlip[] = [];
  for (let token = 0; token * k < chosen.length; token++) {
    const row = (values: ArrayLike<number> | undefined): readonly number[] =>
      Array.from({ length: nExpert }, (_, e) => values?.[token * nExpert + e] ?? NaN);
    const [v, w, bound] = [row(truth.exact ?? truth.data), row(drifted.exact ?? drifted.data), row(truth.bound)];
    const best = new Uint32Array(k);
    topK(Float64Array.from(v), 0, nExpert, k, best, 0);
    const own = new Set(chosen.subarray(token * k, (token + 1) * k));
    const added = [...own].filter((e) => !best.includes(e));
    if (added.length === 0) continue;
    const instead = [...best].filter((e) => !own.has(e));
    // Drift moves all of them alike in a softmax: what is left is each one's own.
    const moved = v.map((value, e) => (w[e] ?? NaN) - value);
    const mean = moved.reduce((a, b) => a + b, 0) / nExpert;
    const rms = Math.sqrt(moved.reduce((sum, d) => sum + (d - mean) ** 2, 0) / nExpert);
    const worst = widest(added, instead, v, bound);
    const drift = DRIFT_FACTOR * rms;
    const kind = worst.margin <= worst.rounding ? 'tie' : worst.margin <= worst.rounding + drift ? 'drift' : 'wrong';
    flips.push({ layer, position: token, kind, chosen: added, instead, ...worst, drift });
  }
  return flips;
}

/** The pair of experts that is hardest to explain. NaN explains nothing. */
function widest(
  added: readonly number[],
  instead: readonly number[],
  v: readonly number[],
  bound: readonly number[],
): { readonly margin: number; readonly rounding: number } {
  const pairs = added.flatMap((e) =>
    instead.map((f) => ({ margin: (v[f] ?? NaN) - (v[e] ?? NaN), rounding: (bound[e] ?? 0) + (bound[f] ?? 0) })),
  );
  return pairs.reduce((a, b) => (b.margin - b.rounding > a.margin - a.rounding ? b : a));
}

function judgement(flips: readonly RoutingFlip[], { nTokens, layers }: Routing): RoutingJudgement {
  const worst = Array.from({ length: nTokens }, (): FlipKind => 'same');
  for (const { position, kind } of flips) {
    if (FLIP_KINDS.indexOf(kind) > FLIP_KINDS.indexOf(worst[position] ?? 'same')) worst[position] = kind;
  }
  const kinds = flips.map(({ kind }) => kind);
  const tokens = sharesOf(worst, nTokens);
  const choices = sharesOf(kinds, nTokens * layers.size);
  const first = flips.find(({ kind }) => kind === 'wrong');
  return {
    verdict: {
      status: first === undefined ? 'match' : 'diverged',
      sentence: sentenceOf(first, tokens, nTokens, layers.size),
      ...(first === undefined ? {} : { first }),
    },
    tokens,
    choices,
    flips,
  };
}

/** Those that no flip is of are the same. */
function sharesOf(kinds: readonly FlipKind[], of: number): Shares {
  const flips = kinds.filter((kind) => kind !== 'same');
  const share = (kind: FlipKind): Shares[FlipKind] => {
    const count = kind === 'same' ? of - flips.length : flips.filter((other) => other === kind).length;
    return { count, share: count / of };
  };
  return { same: share('same'), tie: share('tie'), drift: share('drift'), wrong: share('wrong') };
}

function sentenceOf(first: RoutingFlip | undefined, tokens: Shares, nTokens: number, nLayers: number): string {
  const percent = (kind: FlipKind): string => `${short(100 * tokens[kind].share)} %`;
  const all = `of ${nTokens} tokens in ${nLayers} layers ${percent('same')} chose as exact, ${percent('tie')} differ by ties, ${percent('drift')} by drift, ${percent('wrong')} are wrong`;
  if (first === undefined) return `MATCH: every choice of experts is explained; ${all}`;
  const { layer, position, chosen, instead, margin, drift } = first;
  return `DIVERGED: first wrong choice in layer ${layer} at position ${position}: ${chosen.join(', ')} in place of ${instead.join(', ')}, ${short(margin)} below, where drift explains ${short(drift)}; ${all}`;
}
