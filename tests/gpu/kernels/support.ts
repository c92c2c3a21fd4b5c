import type { Grid } from '../../../src/ops/kernel-grid';
import type { GpuContext } from '../../../src/gpu/device';
import type { BindingName, KernelSpec, KernelVariant } from '../../../src/ops/kernel-spec';
import { KERNEL_TABLE, type KernelName } from '../../../src/gpu/kernel-table';
import type { ParamsOf } from '../../../src/ops/kernel-params';
import { getPipeline } from '../../../src/gpu/pipelines';
import { Recorder, type BufferRange } from '../../../src/gpu/recorder';
import { guardedOutput, upload } from '../../../src/gpu/probe/guarded';
import { readGuarded } from '../../support/gpu';

type Kernel<N extends KernelName> = (typeof KERNEL_TABLE)[N];
type Inputs<K extends KernelSpec> = Readonly<
  Record<Exclude<BindingName<K>, K['outputs'][number]>, Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>
>;

/** Runs a kernel of the table alone; the words of its only output, which is guarded and pre-filled. */
export async function runKernel<N extends KernelName>(
  context: GpuContext,
  name: N,
  inputs: Inputs<Kernel<N>>,
  length: number,
  params: ParamsOf<Kernel<N>['params']>,
  grid: Grid,
  variant: KernelVariant = KERNEL_TABLE[name].variants[0],
): Promise<Uint32Array<ArrayBuffer>> {
  const kernel: KernelSpec = KERNEL_TABLE[name];
  const pipeline = await getPipeline(context, kernel, variant);
  const recorder = new Recorder(context);
  const output = guardedOutput(context, length);
  const bindings: Record<string, BufferRange> = {};
  for (const [binding, data] of Object.entries<Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(inputs)) {
    bindings[binding] = upload(context, data);
  }
  for (const binding of kernel.outputs) bindings[binding] = output;
  const words = await context.step(async () => {
    recorder.dispatch(pipeline, bindings, params, grid);
    recorder.submit();
    return readGuarded(context, output);
  });
  for (const { buffer } of Object.values(bindings)) context.release(buffer);
  recorder.dispose();
  return words;
}

/** {@link runKernel} for outputs of f32. */
export async function runFloats<N extends KernelName>(
  ...args: Parameters<typeof runKernel<N>>
): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await runKernel(...args)).buffer);
}
