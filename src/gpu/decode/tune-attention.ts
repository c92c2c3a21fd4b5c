import { attentionPlain } from '../../fusions/attention-plain/fusion';
import { attention } from '../../fusions/attention/fusion';
import type { GpuContext } from '../device';
import {
  attentionPlan,
  methodName,
  type AttentionChoice,
  type AttentionStep,
  type AttentionMethod,
} from '../../fusions/attention/attention-plan';
import { rowLength } from '../../arch/graph';
import type { TokenPlan } from '../../fusions/plan-token';
import type { DecodeBuffers } from './decode-buffers';
import { buildGraph } from './decode-graph';
import type { DecodeKeys } from './decode-keys';
import { planOf, type PlanInputs } from './decode-plan';
import { CapturePlan } from './decode-captures';
import { timeDispatches } from './time-dispatches';

/** Numbers of keys at which methods are timed, and from which the best of them is chosen; ascending. */
const PROBES: readonly { readonly keys: number; readonly from: number }[] = [
  { keys: 64, from: 1 },
  { keys: 256, from: 129 },
  { keys: 512, from: 385 },
  { keys: 1024, from: 769 },
  { keys: 2048, from: 1537 },
  { keys: 8192, from: 4097 },
];
/** The fusions that attend. */
const KINDS: readonly (string | undefined)[] = [attention.name, attentionPlain.name];
/** Layers that take turns. */
const LAYERS = 2;
/** Passes over them that are timed together: enough that a submit's own time does not count. */
const PASSES = 24;
const PASSES_OF_LONG = 6;
const LONG_KEYS = 2048;
/** Keys below which a split is not worth timing. */
const LEAST_SPLIT = 64;
/** A method has to be better than that of fewer keys by this share to replace it. */
const LEAST_GAIN = 0.02;

/** Microseconds of each method at one length; undefined where time was up. */
export interface AttentionTimes {
  readonly keys: number;
  readonly from: number;
  readonly methods: readonly { readonly method: AttentionMethod; readonly us: number | undefined }[];
}

/** The methods that are worth timing at a length; lane groups as in `usual`. */
export function methodsToTime(usual: AttentionChoice, keys: number): AttentionMethod[] {
  const methods: AttentionMethod[] = [{ kernel: 'single', splits: keys <= 128 ? 1 : 32 }];
  if (keys >= 512) methods.push(...[32, 64].map((splits) => ({ kernel: 'shared', splits }) as const));
  const laneGroups = usual.map(({ method }) => method).find(({ kernel }) => kernel === 'lane-groups');
  if (laneGroups?.kernel !== 'lane-groups') return methods;
  const splits = [1, 2, 4, 8].filter((n) => keys / n >= LEAST_SPLIT && keys / n <= LONG_KEYS);
  methods.push(...splits.map((n) => ({ ...laneGroups, splits: n })));
  return methods;
}

/** Every method that the tuner may time. */
export function allMethods(usual: AttentionChoice): readonly AttentionMethod[] {
  const methods = PROBES.flatMap(({ keys }) => methodsToTime(usual, keys));
  return [...new Map(methods.map((method) => [methodName(method), method])).values()];
}

/** What attention is timed with. */
export interface AttentionInputs extends PlanInputs {
  readonly buffers: DecodeBuffers;
  readonly captures: GPUBuffer;
}

/** Times attention alone in each method, until `end`. Nothing when the adapter has no room for the keys. */
export async function timeAttention(inputs: AttentionInputs, end: number): Promise<readonly AttentionTimes[]> {
  const { context, hparams, choice } = inputs;
  const plan = planOf({ ...inputs, hparams: { ...hparams, nLayer: Math.min(LAYERS, hparams.nLayer) } });
  const room = await roomForKeys(context, plan);
  if (room === undefined) return [];
  try {
    const times: AttentionTimes[] = [];
    for (const { keys, from } of PROBES) {
      const methods: { method: AttentionMethod; us: number | undefined }[] = [];
      for (const method of methodsToTime(choice.attention, keys)) {
        const late = performance.now() > end;
        methods.push({ method, us: late ? undefined : await timeOne(inputs, plan, room, method, keys) });
      }
      times.push({ keys, from, methods });
    }
    return times;
  } finally {
    room.dispose();
  }
}

/** The best method of each length, and one that lasts while no other is better by much; `usual` where nothing was timed whole. */
export function chosenAttention(usual: AttentionChoice, times: readonly AttentionTimes[]): AttentionChoice {
  const steps: AttentionStep[] = [];
  for (const { from, methods } of times) {
    // A length that was not timed whole says nothing, nor do those behind it.
    if (methods.some(({ us }) => us === undefined)) break;
    const best = methods.reduce((a, b) => ((b.us ?? Infinity) < (a.us ?? Infinity) ? b : a));
    const last = steps.at(-1)?.method;
    const stays =
      last === undefined ? undefined : methods.find(({ method }) => methodName(method) === methodName(last))?.us;
    if (stays !== undefined && (best.us ?? Infinity) >= stays * (1 - LEAST_GAIN)) continue;
    steps.push({ from, method: best.method });
  }
  return steps.length === 0 ? usual : steps;
}

/** Microseconds of attention over so many keys, all layers. */
async function timeOne(
  inputs: AttentionInputs,
  plan: TokenPlan,
  keys: Pick<DecodeKeys, 'slot'>,
  wanted: AttentionMethod,
  nKeys: number,
): Promise<number> {
  const { context, hparams, buffers } = inputs;
  const { method, count, keys: each } = attentionPlan(hparams, [{ from: 1, method: wanted }], nKeys);
  const graph = await buildGraph({ ...inputs, plan, keys, method });
  try {
    const { queue } = context.device;
    queue.writeBuffer(graph.params, 0, graph.paramsFor(new CapturePlan(plan, undefined, nKeys)));
    queue.writeBuffer(buffers.step, 0, Uint32Array.of(nKeys - 1, count, each));
    const own = graph.dispatches.filter(({ fusion }) => KINDS.includes(fusion));
    return await timeDispatches(context, own, count, nKeys < LONG_KEYS ? PASSES : PASSES_OF_LONG);
  } finally {
    context.release(graph.params);
  }
}

/** State of as many positions as are timed; undefined where the adapter has no room for it. */
async function roomForKeys(
  context: GpuContext,
  { parts, graph }: TokenPlan,
): Promise<(Pick<DecodeKeys, 'slot'> & { readonly dispose: () => void }) | undefined> {
  const most = Math.max(...PROBES.map(({ keys }) => keys));
  const slots = new Map<string, GPUBuffer>();
  const dispose = (): void => {
    for (const buffer of slots.values()) context.release(buffer);
  };
  for (const { section, appends } of parts) {
    for (const { name, value } of appends) {
      const bytes = 4 * most * rowLength(value, graph.sizes, 1);
      const fits = bytes <= context.maxBindingBytes;
      const buffer = fits ? await context.tryAllocate(`tuner ${name}`, bytes, GPUBufferUsage.STORAGE) : undefined;
      if (buffer === undefined) {
        dispose();
        return undefined;
      }
      slots.set(`${section.layer} ${name}`, buffer);
    }
  }
  return {
    slot(layer, name) {
      const found = slots.get(`${layer} ${name}`);
      if (found === undefined) throw new RangeError(`layer ${layer} keeps no ${name}`);
      return found;
    },
    dispose,
  };
}
