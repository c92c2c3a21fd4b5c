import type { GpuContext } from '../device';

const GIB = 2 ** 30;

/**
 * Bytes of weights to keep on the GPU when nobody says. WebGPU does not tell how much memory there is; the largest buffer that the
 * adapter allows is the best hint: discrete GPUs allow 2 GiB and more, phones 256 MiB. A software adapter takes the computer's own
 * memory. An adapter that runs out all the same makes the cache shrink.
 */
export function defaultBudget(context: GpuContext): number {
  if (context.card.isSoftware) return 1 * GIB;
  return Math.min(4 * context.device.limits.maxBufferSize, 16 * GIB);
}
