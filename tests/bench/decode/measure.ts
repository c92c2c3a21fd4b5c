import { createBuffers } from '../../../src/gpu/decode/decode-buffers';
import { buildGraph, type DecodeDispatch, type DecodeGraph } from '../../../src/gpu/decode/decode-graph';
import type { DecodeChoice, DecodeKernel } from '../../../src/gpu/decode/decode-kernels';
import { TapPlan } from '../../../src/gpu/decode/decode-taps';
import type { DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import { encodeToken } from '../../../src/gpu/decode/decoder';
import type { GpuContext } from '../../../src/gpu/device';
import type { KvCache } from '../../../src/gpu/engine/kv-cache';
import type { HParams } from '../../../src/model/hparams';

export interface BenchModel {
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  readonly keys: KvCache;
}

/** Builds a token's graph with its params in place. */
export async function benchGraph(model: BenchModel, choice: DecodeChoice): Promise<DecodeGraph> {
  const { context, hparams } = model;
  buffers ??= createBuffers(context, hparams);
  taps ??= context.allocate('taps', 4, GPUBufferUsage.STORAGE);
  const graph = await buildGraph({
    ...model,
    choice,
    buffers,
    keys: (layer) => model.keys.layer(layer),
    joins: false,
    taps,
  });
  context.device.queue.writeBuffer(graph.params, 0, graph.paramsFor(new TapPlan(hparams, undefined, 1)));
  return graph;
}
let buffers: ReturnType<typeof createBuffers> | undefined;
let taps: GPUBuffer | undefined;

/** Microseconds a pass over the dispatches, `times` and `3 * times` passes in one submit: the difference leaves out submit and wait. */
export async function timePasses(
  { context: { device } }: BenchModel,
  dispatches: readonly DecodeDispatch[],
  times: number,
): Promise<number> {
  const run = async (count: number): Promise<number> => {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < count; i++) encodeToken(encoder, dispatches, 1);
    const commands = encoder.finish();
    await device.queue.onSubmittedWorkDone();
    const started = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - started;
  };
  await run(times);
  const short = Math.min(await run(times), await run(times), await run(times));
  const long = Math.min(await run(3 * times), await run(3 * times), await run(3 * times));
  return ((long - short) * 1000) / (2 * times);
}

/** The dispatches of one kernel, all layers. */
export function ofKernel(graph: DecodeGraph, kernel: DecodeKernel): readonly DecodeDispatch[] {
  return graph.dispatches.filter((d) => d.kernel === kernel);
}
