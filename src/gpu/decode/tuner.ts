import { graphOf } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import { attentionPlan, methodName, type AttentionChoice } from '../../fusions/attention/attention-plan';
import { LANE_GROUP_FUSIONS, type DecodeChoice, type LaneGroupFusion, type LaneGroupShape } from '../../fusions/choice';
import { KvCache } from '../engine/kv-cache';
import { Recorder } from '../recorder';
import { createBuffers } from './decode-buffers';
import { defaultChoice } from './decode-choice';
import { buildGraph, type DecodeGraph } from './decode-graph';
import { planOf } from './decode-plan';
import { CapturePlan } from './decode-captures';
import type { DecodeWeights } from './decode-weights';
import { timeDispatches } from './time-dispatches';
import { allMethods, chosenAttention, timeAttention } from './tune-attention';

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

/** One method that was measured. */
export interface TriedMethod {
  readonly name: string;
  /** Microseconds of the layers that were measured; undefined when time was up. */
  readonly us: number | undefined;
}

export interface Tuning {
  readonly choice: DecodeChoice;
  /** Whether it was measured now, kept from before, or not worth measuring (software adapters). */
  readonly from: 'measured' | 'kept' | 'usual';
  readonly tried: readonly TriedMethod[];
  readonly ms: number;
}

/** Changes when kept choices no longer mean the same. */
const VERSION = 4;
const BUDGET_MS = 900;
/** Layers that are timed: enough that what one reads is not what the last pass left in a cache. */
export const TUNED_LAYERS = 8;
/** A method has to be better by this share to replace the usual one: less is noise. */
const LEAST_GAIN = 0.01;

interface TunedMethod {
  readonly name: string;
  readonly kernel: LaneGroupFusion | 'all';
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
      ? await context.step(() => measureMethods(options, usual))
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
  const types = slots.map((slot) => weights.matrix(slot)[0]?.tensor.type);
  return JSON.stringify([
    ...['moescope-decode', VERSION, vendor, architecture, description],
    ...[nEmbd, qDim, kvDim, headDim, nExpert, nExpertUsed, nFfExp, ...types],
  ]);
}

/** Every single change of a choice that is worth timing. */
export function methodsOf(usual: DecodeChoice): readonly TunedMethod[] {
  const methods: TunedMethod[] = [{ name: 'usual', kernel: 'all', choice: usual }];
  methods.push({ name: 'plain dots', kernel: 'all', choice: { ...usual, dots: 'plain' } });
  methods.push({ name: 'three rows ahead', kernel: 'all', choice: { ...usual, ahead: 3 } });
  for (const kernel of LANE_GROUP_FUSIONS) {
    // The head is one dispatch of many; the layers are what counts.
    if (kernel === 'head') continue;
    const laneGroup = usual.laneGroups[kernel];
    for (const group of [64, 128]) {
      for (const batches of [1, 2, 4] as const) {
        if (group === laneGroup.group && batches === laneGroup.batches) continue;
        const changed: LaneGroupShape = { ...laneGroup, group, batches };
        const name = `${kernel} ${group} lanes, ${batches} rows`;
        methods.push({ name, kernel, choice: { ...usual, laneGroups: { ...usual.laneGroups, [kernel]: changed } } });
      }
    }
  }
  return methods;
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
  const methods = methodsOf(usual);
  // What `joined` can make of the ways, without trusting the text: every part of it has to be one of them.
  const laneGroups = Object.fromEntries(
    LANE_GROUP_FUSIONS.map((kernel) => [
      kernel,
      methods
        .map((method) => method.choice.laneGroups[kernel])
        .find((t) => JSON.stringify(t) === JSON.stringify(part(value, kernel))),
    ]),
  );
  const attention = readAttention(value, usual);
  if (attention === undefined || Object.values(laneGroups).includes(undefined)) return undefined;
  for (const dots of ['own', 'plain'] as const) {
    for (const ahead of [1, 3] as const) {
      const choice: DecodeChoice = {
        ...usual,
        dots,
        ahead,
        attention,
        laneGroups: { ...usual.laneGroups, ...laneGroups },
      };
      if (same(choice)) return choice;
    }
  }
  return undefined;
}

/** Steps of methods that could have been chosen here. */
function readAttention(value: unknown, usual: DecodeChoice): AttentionChoice | undefined {
  const stored: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'attention') : undefined;
  if (JSON.stringify(stored) === JSON.stringify(usual.attention)) return usual.attention;
  if (!Array.isArray(stored) || stored.length === 0) return undefined;
  const methods = allMethods(usual.attention);
  const steps = stored.flatMap((step: unknown) => {
    if (typeof step !== 'object' || step === null || !('from' in step) || !('method' in step)) return [];
    const method = methods.find((one) => JSON.stringify(one) === JSON.stringify(step.method));
    return method === undefined || typeof step.from !== 'number' ? [] : [{ from: step.from, method }];
  });
  const ascends = steps.every(({ from }, i) => (i === 0 ? from === 1 : from > (steps[i - 1]?.from ?? Infinity)));
  return steps.length === stored.length && ascends ? steps : undefined;
}

function part(value: unknown, kernel: string): unknown {
  if (typeof value !== 'object' || value === null || !('laneGroups' in value)) return undefined;
  const { laneGroups } = value;
  return typeof laneGroups === 'object' && laneGroups !== null ? Reflect.get(laneGroups, kernel) : undefined;
}

async function measureMethods(
  { context, hparams, weights, budgetMs }: TuneOptions,
  usual: DecodeChoice,
): Promise<Tuning> {
  const started = performance.now();
  const some: HParams = { ...hparams, nLayer: Math.min(TUNED_LAYERS, hparams.nLayer) };
  const methods = methodsOf(usual);
  const plans = methods.map(({ choice }) => planOf({ context, hparams: some, weights, choice }));
  const [first] = plans;
  if (first === undefined) throw new RangeError('no method to choose from');
  const recorder = new Recorder(context);
  const keys = new KvCache(context, recorder, () => hparams.kvDim);
  keys.reserve(1);
  const buffers = createBuffers(context, first);
  const captures = context.allocate('decode captures', 4, GPUBufferUsage.STORAGE);
  const graphs: DecodeGraph[] = [];
  try {
    const { method } = attentionPlan(hparams, usual.attention, 1);
    // All are compiled side by side.
    const built = await Promise.all(
      plans.map((plan) => buildGraph({ context, plan, weights, buffers, keys, method, captures })),
    );
    graphs.push(...built);
    const end = started + (budgetMs ?? BUDGET_MS);
    const places = new CapturePlan(first, undefined, 1);
    const times: (number | undefined)[] = [];
    for (const graph of built) {
      // The usual choice is timed whatever it takes: it warms the adapter up.
      const isLate = times.length > 0 && performance.now() > end;
      times.push(isLate ? undefined : await timeLayers(context, graph, places));
    }
    const inputs = { context, hparams: some, weights, choice: usual, buffers, captures };
    const attention = await timeAttention(inputs, end);
    const tried = [
      ...methods.map(({ name }, i) => ({ name, us: times[i] })),
      ...attention.flatMap(({ keys, methods: timed }) =>
        timed.map(({ method: one, us }) => ({ name: `attention, ${keys} keys: ${methodName(one)}`, us })),
      ),
    ];
    const choice = { ...joined(methods, times), attention: chosenAttention(usual.attention, attention) };
    return { choice, from: 'measured', tried, ms: performance.now() - started };
  } finally {
    for (const { params } of graphs) context.release(params);
    buffers.dispose();
    context.release(captures);
    keys.dispose();
    recorder.dispose();
  }
}

/** The usual choice with the best change of every kernel that gains, and the best of those of all kernels. */
export function joined(methods: readonly TunedMethod[], times: readonly (number | undefined)[]): DecodeChoice {
  const [usual] = methods;
  if (usual === undefined) throw new RangeError('no method to choose from');
  const limit = (times[0] ?? Infinity) * (1 - LEAST_GAIN);
  const best = (kernel: TunedMethod['kernel']): DecodeChoice | undefined => {
    let found: { readonly choice: DecodeChoice; readonly us: number } | undefined;
    for (const [i, method] of methods.entries()) {
      const us = times[i];
      if (method.kernel === kernel && us !== undefined && us < (found?.us ?? limit))
        found = { choice: method.choice, us };
    }
    return found?.choice;
  };
  const all = best('all') ?? usual.choice;
  const laneGroups = LANE_GROUP_FUSIONS.map(
    (kernel) => [kernel, (best(kernel) ?? usual.choice).laneGroups[kernel]] as const,
  );
  return { ...all, laneGroups: { ...all.laneGroups, ...Object.fromEntries(laneGroups) } };
}

/** Microseconds of the layers of a graph. */
function timeLayers(context: GpuContext, graph: DecodeGraph, places: CapturePlan): Promise<number> {
  context.device.queue.writeBuffer(graph.params, 0, graph.paramsFor(places));
  const layers = graph.dispatches.filter(({ layer }) => layer !== undefined);
  return timeDispatches(context, layers, 1);
}
