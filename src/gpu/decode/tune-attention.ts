import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { LayerKeys } from '../engine/kv-cache';
import { attentionPlan } from './attention-plan';
import { buildGraph, type GraphInputs } from './decode-graph';
import { NEVER, type AttentionChoice } from './decode-kernels';
import { TapPlan } from './decode-taps';
import { timeDispatches } from './time-dispatches';

/** Numbers of keys at which the ways of attention are timed, and from which one of them may be chosen; ascending. */
export const PROBE_KEYS: readonly number[] = [512, 2048, 8192];
/** Ways of sharing keys that are timed beside single heads. */
export const SHARED_SPLITS = [32, 64] as const;
/** Layers that take turns: keys of one stay in no cache of usual size until its next turn. */
const LAYERS = 2;
/** Sharing has to be better by this share. */
const LEAST_GAIN = 0.02;

/** Microseconds of one length; undefined where time was up. */
export interface AttentionTimes {
  readonly keys: number;
  readonly heads: number | undefined;
  /** As {@link SHARED_SPLITS}. */
  readonly shared: readonly (number | undefined)[];
}

/** Times attention alone, by single heads and by groups that share keys, until `end`. Nothing when the adapter has no room for the keys. */
export async function timeAttention(
  inputs: Omit<GraphInputs, 'keys' | 'way'>,
  end: number,
): Promise<readonly AttentionTimes[]> {
  const { context, hparams } = inputs;
  const some: HParams = { ...hparams, nLayer: Math.min(LAYERS, hparams.nLayer) };
  const layers = await roomForKeys(context, some);
  const times: AttentionTimes[] = [];
  try {
    if (layers.length < some.nLayer) return [];
    const keysOf = (layer: number): LayerKeys => layers[layer] ?? fallback(layers);
    const ways = [NEVER, ...SHARED_SPLITS].map((way): AttentionChoice =>
      way === NEVER ? { sharedFrom: NEVER, splits: 32 } : { sharedFrom: 1, splits: way === 64 ? 64 : 32 },
    );
    for (const nKeys of PROBE_KEYS) {
      const us: (number | undefined)[] = [];
      for (const attention of ways) {
        const late = performance.now() > end;
        us.push(late ? undefined : await timeOne({ ...inputs, hparams: some }, keysOf, attention, nKeys));
      }
      times.push({ keys: nKeys, heads: us[0], shared: us.slice(1) });
    }
    return times;
  } finally {
    for (const { keys, values } of layers) for (const buffer of [keys, values]) context.release(buffer);
  }
}

/** Sharing from the first length on from which it gains at every length that was timed; `usual` where it never does or nothing was timed. */
export function chosenAttention(usual: AttentionChoice, times: readonly AttentionTimes[]): AttentionChoice {
  let best: { readonly choice: AttentionChoice; readonly us: number } | undefined;
  for (const [i, splits] of SHARED_SPLITS.entries()) {
    let sharedFrom = NEVER;
    for (const { keys, heads, shared } of times.toReversed()) {
      const us = shared[i];
      if (us === undefined || heads === undefined || us >= heads * (1 - LEAST_GAIN)) break;
      sharedFrom = keys;
    }
    const us = times.at(-1)?.shared[i];
    if (sharedFrom !== NEVER && us !== undefined && us < (best?.us ?? Infinity)) {
      best = { choice: { sharedFrom, splits }, us };
    }
  }
  return best?.choice ?? usual;
}

/** Microseconds of attention over so many keys, all layers. */
async function timeOne(
  inputs: Omit<GraphInputs, 'keys' | 'way'>,
  keys: (layer: number) => LayerKeys,
  attention: AttentionChoice,
  nKeys: number,
): Promise<number> {
  const { context, hparams, buffers } = inputs;
  const plan = attentionPlan(hparams, attention, nKeys);
  const graph = await buildGraph({ ...inputs, keys, way: plan.way, choice: { ...inputs.choice, attention } });
  try {
    const { queue } = context.device;
    queue.writeBuffer(graph.params, 0, graph.paramsFor(new TapPlan(hparams, undefined, nKeys)));
    queue.writeBuffer(buffers.step, 0, Uint32Array.of(nKeys - 1, plan.count, plan.keys));
    const own = graph.dispatches.filter(({ kernel }) => kernel.startsWith('attention'));
    return await timeDispatches(context, own, plan.count);
  } finally {
    context.release(graph.params);
  }
}

async function roomForKeys(context: GpuContext, { nLayer, kvDim }: HParams): Promise<LayerKeys[]> {
  const bytes = 4 * kvDim * Math.max(...PROBE_KEYS);
  const layers: LayerKeys[] = [];
  if (bytes > context.maxBindingBytes) return layers;
  for (let layer = 0; layer < nLayer; layer++) {
    const keys = await context.tryAllocate('tuner keys', bytes, GPUBufferUsage.STORAGE);
    const values = await context.tryAllocate('tuner values', bytes, GPUBufferUsage.STORAGE);
    if (keys !== undefined && values !== undefined) layers.push({ keys, values });
    else for (const buffer of [keys, values]) if (buffer !== undefined) context.release(buffer);
  }
  return layers;
}

function fallback(layers: readonly LayerKeys[]): LayerKeys {
  const [first] = layers;
  if (first === undefined) throw new RangeError('no layer to time');
  return first;
}
