import { createBuffers } from '../../../src/gpu/decode/decode-buffers';
import { attentionPlan } from '../../../src/fusions/attention/attention-plan';
import type { DecodeChoice } from '../../../src/fusions/choice';
import { buildGraph, type DecodeDispatch, type DecodeGraph } from '../../../src/gpu/decode/decode-graph';
import { planOf } from '../../../src/gpu/decode/decode-plan';
import { CapturePlan } from '../../../src/gpu/decode/decode-captures';
import type { DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import { encodePass } from '../../../src/gpu/decode/decode-pass';
import type { AttentionInputs } from '../../../src/gpu/decode/tune-attention';
import type { GpuContext } from '../../../src/gpu/device';
import type { KvCache } from '../../../src/gpu/engine/kv-cache';
import { kernelName } from '../../../src/ops/kernel-spec';
import { readBack } from '../../../src/gpu/readback';
import type { HParams } from '../../../src/model/hparams';

export interface BenchModel {
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  readonly keys: KvCache;
}

/** A graph whose token has `position`, and how many splits its attention has. */
export interface BenchGraph extends DecodeGraph {
  readonly splits: number;
}

/** Builds the graph of a token at `position` with its params in place. */
export async function benchGraph(model: BenchModel, choice: DecodeChoice, position = 64): Promise<BenchGraph> {
  const { method, count, keys: each } = attentionPlan(model.hparams, choice.attention, position + 1);
  const inputs = attentionInputs(model, choice);
  const { context, buffers } = inputs;
  const plan = planOf(inputs);
  const graph = await buildGraph({ ...inputs, plan, keys: model.keys, method });
  context.device.queue.writeBuffer(buffers.step, 0, Uint32Array.of(position, count, each));
  context.device.queue.writeBuffer(graph.params, 0, graph.paramsFor(new CapturePlan(plan, undefined, 1)));
  return { ...graph, splits: count };
}

/** What graphs are built from, but for keys and the way of attention. */
export function attentionInputs({ context, hparams, weights }: BenchModel, choice: DecodeChoice): AttentionInputs {
  const inputs = { context, hparams, weights, choice };
  buffers ??= createBuffers(context, planOf(inputs));
  captures ??= context.allocate('captures', 4, GPUBufferUsage.STORAGE);
  return { ...inputs, buffers, captures };
}
let buffers: ReturnType<typeof createBuffers> | undefined;
let captures: GPUBuffer | undefined;

/** Where a batch of passes spends its time, in microseconds a pass. */
export interface Timing {
  /** Between the timestamps of the first pass's beginning and the last one's end. */
  readonly gpu: number;
  readonly encode: number;
  readonly finish: number;
  readonly submit: number;
}

/** The GPU is kept busy for this long ahead of a measurement: an idle one runs at a fraction of its clock. */
const WARM_MS = 60;
const REPEATS = 3;

/** Times passes over the dispatches, `count` in one submit; the best of a few. */
export async function timePasses(
  { context }: BenchModel,
  dispatches: readonly DecodeDispatch[],
  count: number,
  splits = 1,
): Promise<Timing> {
  const { device } = context;
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = context.allocate('timestamps', 16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
  const once = (): Omit<Timing, 'gpu'> => {
    const t0 = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    for (let i = 0; i < count; i++) encodePass(pass, dispatches, splits);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    const t1 = performance.now();
    const commands = encoder.finish();
    const t2 = performance.now();
    device.queue.submit([commands]);
    const t3 = performance.now();
    const us = (ms: number): number => (1000 * ms) / count;
    return { encode: us(t1 - t0), finish: us(t2 - t1), submit: us(t3 - t2) };
  };
  const warm = performance.now();
  while (performance.now() - warm < WARM_MS) {
    once();
    await device.queue.onSubmittedWorkDone();
  }
  let best: Timing | undefined;
  for (let i = 0; i < REPEATS; i++) {
    const cpu = once();
    const [start = 0n, end = 0n] = new BigUint64Array(
      await readBack(context, [{ buffer: resolved, offset: 0, size: 16 }]),
    );
    const gpu = Number(end - start) / 1000 / count;
    if (best === undefined || gpu < best.gpu) best = { gpu, ...cpu };
  }
  querySet.destroy();
  context.release(resolved);
  return best ?? { gpu: NaN, encode: NaN, finish: NaN, submit: NaN };
}

/** The dispatches of one kernel, all layers. */
export function ofKernel(graph: DecodeGraph, name: string): readonly DecodeDispatch[] {
  return graph.dispatches.filter(({ kernel }) => kernelName(kernel) === name);
}
