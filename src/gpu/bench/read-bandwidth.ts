import type { GpuContext } from '../device';
import { compileShader, shaderSource } from '../shader-source';

/** Largest buffer that is read: well beyond any cache. */
const MOST_BYTES = 2 ** 30;
/** What the first timing reads; the buffer is as much larger as the adapter allows without taking longer than {@link MEASURE_MS}. */
const LEAST_BYTES = 16 * 2 ** 20;
/** How long a batch of dispatches takes, about: long enough that submitting does not count. */
const MEASURE_MS = 60;
const MOST_DISPATCHES = 256;
const BATCHES = 3;
/** Workgroups of a dispatch: enough to fill the largest card several times over. */
const GROUPS = 2048;

/**
 * Bytes a second that the adapter's memory gives a kernel that only reads: what a decoder, which reads every weight once, could at most
 * reach. The best of several batches, as other work only slows it down.
 * @throws TracerError `gpu-shader`
 */
export async function readBandwidth({ device }: GpuContext): Promise<number> {
  const most = Math.min(MOST_BYTES, device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const module = await compileShader(device, shaderSource('bench/read.wgsl'));
  const pipeline = await device.createComputePipelineAsync({
    label: 'bench read',
    layout: 'auto',
    compute: { module },
  });
  const small = await reader(device, pipeline, Math.min(LEAST_BYTES, most));
  let perByte: number;
  try {
    // The first time compiles and fills the buffer.
    await small.seconds(1);
    perByte = (await small.seconds(2)) / (2 * small.size);
  } finally {
    small.destroy();
  }
  const room = Math.max(LEAST_BYTES, MEASURE_MS / 1000 / perByte);
  const large = await reader(device, pipeline, Math.min(most, room));
  try {
    const once = await large.seconds(1);
    const times = Math.max(1, Math.min(MOST_DISPATCHES, Math.round(MEASURE_MS / 1000 / once)));
    let best = 0;
    for (let batch = 0; batch < BATCHES; batch++)
      best = Math.max(best, (large.size * times) / (await large.seconds(times)));
    return best;
  } finally {
    large.destroy();
  }
}

interface Reader {
  readonly size: number;
  /** How long `times` dispatches take. */
  seconds(times: number): Promise<number>;
  destroy(): void;
}

/** Not through the context: these bytes are no engine's, and must not count towards its peak. */
async function reader(device: GPUDevice, pipeline: GPUComputePipeline, bytes: number): Promise<Reader> {
  const size = Math.floor(bytes / 16) * 16;
  const source = device.createBuffer({ label: 'bench source', size, usage: GPUBufferUsage.STORAGE });
  const seen = device.createBuffer({ label: 'bench result', size: 16, usage: GPUBufferUsage.STORAGE });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [source, seen].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  await device.queue.onSubmittedWorkDone();
  return {
    size,
    async seconds(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(GROUPS);
      pass.end();
      const commands = encoder.finish();
      const started = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return (performance.now() - started) / 1000;
    },
    destroy() {
      source.destroy();
      seen.destroy();
    },
  };
}
