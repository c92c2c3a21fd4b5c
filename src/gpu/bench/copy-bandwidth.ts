import type { GpuContext } from '../device';

/** Largest buffer that is copied: well beyond any cache. */
const COPY_BYTES = 256 * 2 ** 20;
/** How long copies are repeated. */
const MEASURE_MS = 300;
const MOST_COPIES = 64;

/**
 * Bytes a second that the adapter moves when it copies a buffer: read once and written once, both counted.
 * The best of several batches, as other work only slows it down.
 */
export async function copyBandwidth({ device }: GpuContext): Promise<number> {
  const size = Math.min(COPY_BYTES, Math.floor(device.limits.maxBufferSize / 4) * 4);
  // Not through the context: these bytes are no engine's, and must not count towards its peak.
  const from = device.createBuffer({ label: 'bench source', size, usage: GPUBufferUsage.COPY_SRC });
  const to = device.createBuffer({ label: 'bench target', size, usage: GPUBufferUsage.COPY_DST });
  const copy = async (times: number): Promise<number> => {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < times; i++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
    const commands = encoder.finish();
    const started = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - started) / 1000;
  };
  try {
    const once = Math.min(await copy(1), await copy(1));
    const times = Math.max(1, Math.min(MOST_COPIES, Math.round(MEASURE_MS / 3000 / once)));
    let best = 0;
    for (let batch = 0; batch < 3; batch++) best = Math.max(best, (2 * size * times) / (await copy(times)));
    return best;
  } finally {
    for (const buffer of [from, to]) buffer.destroy();
  }
}
