import type { GpuContext } from './device';

/** A range of a buffer to read, in bytes; both multiples of 4. */
export interface ReadRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * Copies ranges to one staging buffer and maps it once: the bytes of all ranges one after another, as the queue's work so far left them.
 */
export async function readBack(context: GpuContext, ranges: readonly ReadRange[]): Promise<ArrayBuffer> {
  const total = ranges.reduce((sum, r) => sum + r.size, 0);
  if (total === 0) return new ArrayBuffer(0);
  const staging = context.allocate('readback', total, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  try {
    const encoder = context.device.createCommandEncoder();
    let at = 0;
    for (const { buffer, offset, size } of ranges) {
      encoder.copyBufferToBuffer(buffer, offset, staging, at, size);
      at += size;
    }
    context.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return staging.getMappedRange().slice(0, total);
  } finally {
    context.release(staging);
  }
}
