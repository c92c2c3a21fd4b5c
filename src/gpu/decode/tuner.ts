import { graphOf } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import { attentionPlan, wayName, type AttentionChoice } from '../../fusions/attention/attention-plan';
import { TEAM_FUSIONS, type DecodeChoice, type TeamFusion, type TeamShape } from '../../fusions/choice';
import { KvCache } from '../engine/kv-cache';
import { Recorder } from '../recorder';
import { createBuffers } from './decode-buffers';
import { defaultChoice } from './decode-choice';
import { buildGraph, type DecodeGraph } from './decode-graph';
import { planOf } from './decode-plan';
import { TapPlan } from './decode-taps';
import type { DecodeWeights } from './decode-weights';
import { timeDispatches } from './time-dispatches';
import { allWays, chosenAttention, timeAttention } from './tune-attention';

/** Where choices are kept from run to run: a `Map`, local storage, a file. */
export interface TuningStore {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

export interface TuneOptions {
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  readonly store?: TuningStore | undefined;
  /** Measuring ends after so many milliseconds; what was not measured stays as usual. */
  readonly budgetMs?: number;
  /** Measures a software adapter too. */
  readonly onSoftware?: boolean;
}

/** One way that was measured. */
export interface TriedWay {
  readonly name: string;
  /** Microseconds of the layers that were measured; undefined when time was up. */
  readonly us: number | undefined;
}

export interface Tuning {
  readonly choice: DecodeChoice;
  /** Whether it was measured now, kept from before, or not worth measuring (software adapters). */
  readonly from: 'measured' | 'kept' | 'usual';
  readonly tried: readonly TriedWay[];
  readonly ms: number;
}

/** Changes when kept choices no longer mean the same. */
const VERSION = 4;
const BUDGET_MS = 900;
/** Layers that are timed: enough that what one reads is not what the last pass left in a cache. */
export const TUNED_LAYERS = 8;
/** A way has to be better by this share to replace the usual one: less is noise. */
const LEAST_GAIN = 0.01;

interface Way {
  readonly name: string;
  readonly kernel: TeamFusion | 'all';
  readonly choice: DecodeChoice;
}

const kept = new WeakMap<GPUDevice, Map<string, Tuning>>();

/**
 * Chooses among the kernels' variants for an adapter, a shape and its types: times each change of the usual choice on the first layers and
 * joins those that gain. Values differ between choices only by the order of sums; a choice, once made, is kept for the device and in `store`.
 * @throws TracerError those of `buildGraph`.
 */
export async function tuneDecode(options: TuneOptions): Promise<Tuning> {
  const { context, store } = options;
  const key = tuningKey(options);
  const known = keptOn(context);
  const before = known.get(key);
  if (before !== undefined) return { ...before, from: before.from === 'usual' ? 'usual' : 'kept', ms: 0 };
  const usual = await defaultChoice(context);
  const unmeasured = knownChoice(options, usual);
  const tuning: Tuning =
    unmeasured === undefined
      ? await context.step(() => measureWays(options, usual))
      : { choice: unmeasured, from: unmeasured === usual ? 'usual' : 'kept', tried: [], ms: 0 };
  known.set(key, tuning);
  if (tuning.from === 'measured') store?.set(key, JSON.stringify(tuning.choice));
  return tuning;
}

/** The choice that is made without measuring: kept for the device or in the store, or the usual one on a software adapter. */
export function knownChoice(options: TuneOptions, usual: DecodeChoice): DecodeChoice | undefined {
  const { context, store, onSoftware = false } = options;
  const key = tuningKey(options);
  const text = store?.get(key);
  const stored = keptOn(context).get(key)?.choice ?? (text === undefined ? undefined : readChoice(text, usual));
  return stored ?? (context.card.isSoftware && !onSoftware ? usual : undefined);
}

function keptOn({ device }: GpuContext): Map<string, Tuning> {
  let known = kept.get(device);
  if (known === undefined) kept.set(device, (known = new Map<string, Tuning>()));
  return known;
}

/** What a choice is for: adapter, sizes and types. */
export function tuningKey({ context, hparams, weights }: TuneOptions): string {
  const { vendor, architecture, description } = context.card;
  const { nEmbd, qDim, kvDim, headDim, nExpert, nExpertUsed, nFfExp } = hparams;
  const [layer] = graphOf(hparams).graph.layers;
  const slots = layer?.nodes.flatMap((node) => node.weights).filter(({ dims }) => dims.length > 1) ?? [];
  const types = slots.map((slot) => weights.matrix(slot).type);
  return JSON.stringify([
    ...['moescope-decode', VERSION, vendor, architecture, description],
    ...[nEmbd, qDim, kvDim, headDim, nExpert, nExpertUsed, nFfExp, ...types],
  ]);
}

/** Every single change of a choice that is worth timing. */
export function waysOf(usual: DecodeChoice): readonly Way[] {
  const ways: Way[] = [{ name: 'usual', kernel: 'all', choice: usual }];
  ways.push({ name: 'plain dots', kernel: 'all', choice: { ...usual, dots: 'plain' } });
  ways.push({ name: 'three rows ahead', kernel: 'all', choice: { ...usual, ahead: 3 } });
  for (const kernel of TEAM_FUSIONS) {
    // The head is one dispatch of many; the layers are what counts.
    if (kernel === 'head') continue;
    const team = usual.teams[kernel];
    for (const group of [64, 128]) {
      for (const batches of [1, 2, 4] as const) {
        if (group === team.group && batches === team.batches) continue;
        const changed: TeamShape = { ...team, group, batches };
        const name = `${kernel} ${group} lanes, ${batches} rows`;
        ways.push({ name, kernel, choice: { ...usual, teams: { ...usual.teams, [kernel]: changed } } });
      }
    }
  }
  return ways;
}

/** A stored choice, if it has the form of one that could be made here. */
export function readChoice(text: string, usual: DecodeChoice): DecodeChoice | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const same = (choice: DecodeChoice): boolean => JSON.stringify(choice) === JSON.stringify(value);
  const ways = waysOf(usual);
  // What `joined` can make of the ways, without trusting the text: every part of it has to be one of them.
  const teams = Object.fromEntries(
    TEAM_FUSIONS.map((kernel) => [
      kernel,
      ways
        .map((way) => way.choice.teams[kernel])
        .find((t) => JSON.stringify(t) === JSON.stringify(part(value, kernel))),
    ]),
  );
  const attention = readAttention(value, usual);
  if (attention === undefined || Object.values(teams).includes(undefined)) return undefined;
  for (const dots of ['own', 'plain'] as const) {
    for (const ahead of [1, 3] as const) {
      const choice: DecodeChoice = { ...usual, dots, ahead, attention, teams: { ...usual.teams, ...teams } };
      if (same(choice)) return choice;
    }
  }
  return undefined;
}

/** Steps of ways that could have been chosen here. */
function readAttention(value: unknown, usual: DecodeChoice): AttentionChoice | undefined {
  const stored: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'attention') : undefined;
  if (JSON.stringify(stored) === JSON.stringify(usual.attention)) return usual.attention;
  if (!Array.isArray(stored) || stored.length === 0) return undefined;
  const ways = allWays(usual.attention);
  const steps = stored.flatMap((step: unknown) => {
    if (typeof step !== 'object' || step === null || !('from' in step) || !('way' in step)) return [];
    const way = ways.find((one) => JSON.stringify(one) === JSON.stringify(step.way));
    return way === undefined || typeof step.from !== 'number' ? [] : [{ from: step.from, way }];
  });
  const ascends = steps.every(({ from }, i) => (i === 0 ? from === 1 : from > (steps[i - 1]?.from ?? Infinity)));
  return steps.length === stored.length && ascends ? steps : undefined;
}

function part(value: unknown, kernel: string): unknown {
  if (typeof value !== 'object' || value === null || !('teams' in value)) return undefined;
  const { teams } = value;
  return typeof teams === 'object' && teams !== null ? Reflect.get(teams, kernel) : undefined;
}

async function measureWays({ context, hparams, weights, budgetMs }: TuneOptions, usual: DecodeChoice): Promise<Tuning> {
  const started = performance.now();
  const some: HParams = { ...hparams, nLayer: Math.min(TUNED_LAYERS, hparams.nLayer) };
  const ways = waysOf(usual);
  const plans = ways.map(({ choice }) => planOf({ context, hparams: some, weights, choice }));
  const [first] = plans;
  if (first === undefined) throw new RangeError('no way to choose from');
  const recorder = new Recorder(context);
  const keys = new KvCache(context, recorder, () => hparams.kvDim);
  keys.reserve(1);
  const buffers = createBuffers(context, first);
  const taps = context.allocate('decode taps', 4, GPUBufferUsage.STORAGE);
  const graphs: DecodeGraph[] = [];
  try {
    const { way } = attentionPlan(hparams, usual.attention, 1);
    // All are compiled side by side.
    const built = await Promise.all(
      plans.map((plan) => buildGraph({ context, plan, weights, buffers, keys, way, taps })),
    );
    graphs.push(...built);
    const end = started + (budgetMs ?? BUDGET_MS);
    const places = new TapPlan(first, undefined, 1);
    const times: (number | undefined)[] = [];
    for (const graph of built) {
      // The usual choice is timed whatever it takes: it warms the adapter up.
      const isLate = times.length > 0 && performance.now() > end;
      times.push(isLate ? undefined : await timeLayers(context, graph, places));
    }
    const inputs = { context, hparams: some, weights, choice: usual, buffers, taps };
    const attention = await timeAttention(inputs, end);
    const tried = [
      ...ways.map(({ name }, i) => ({ name, us: times[i] })),
      ...attention.flatMap(({ keys, ways: timed }) =>
        timed.map(({ way: one, us }) => ({ name: `attention, ${keys} keys: ${wayName(one)}`, us })),
      ),
    ];
    const choice = { ...joined(ways, times), attention: chosenAttention(usual.attention, attention) };
    return { choice, from: 'measured', tried, ms: performance.now() - started };
  } finally {
    for (const { params } of graphs) context.release(params);
    buffers.dispose();
    context.release(taps);
    keys.dispose();
    recorder.dispose();
  }
}

/** The usual choice with the best change of every kernel that gains, and the best of those of all kernels. */
export function joined(ways: readonly Way[], times: readonly (number | undefined)[]): DecodeChoice {
  const [usual] = ways;
  if (usual === undefined) throw new RangeError('no way to choose from');
  const limit = (times[0] ?? Infinity) * (1 - LEAST_GAIN);
  const best = (kernel: Way['kernel']): DecodeChoice | undefined => {
    let found: { readonly choice: DecodeChoice; readonly us: number } | undefined;
    for (const [i, way] of ways.entries()) {
      const us = times[i];
      if (way.kernel === kernel && us !== undefined && us < (found?.us ?? limit)) found = { choice: way.choice, us };
    }
    return found?.choice;
  };
  const all = best('all') ?? usual.choice;
  const teams = TEAM_FUSIONS.map((kernel) => [kernel, (best(kernel) ?? usual.choice).teams[kernel]] as const);
  return { ...all, teams: { ...all.teams, ...Object.fromEntries(teams) } };
}

/** Microseconds of the layers of a graph. */
function timeLayers(context: GpuContext, graph: DecodeGraph, places: TapPlan): Promise<number> {
  context.device.queue.writeBuffer(graph.params, 0, graph.paramsFor(places));
  const layers = graph.dispatches.filter(({ layer }) => layer !== undefined);
  return timeDispatches(context, layers, 1);
}
