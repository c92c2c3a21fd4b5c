import type { GpuContext } from '../device';

const GIB = 2 ** 30;

/**
 * Bytes of weights to keep on the GPU when nobody says. WebGPU does not tell how much memory there is; the largest buffer that the
 * adapter allows is the best hint: discrete GPUs allow 2 GiB and more, phones 256 MiB. A software adapter takes the computer's own
 * memory. Cautious, because many drivers do not refuse what they have no room for but page it out; a trace reads each layer once, so that
 * little is lost. An adapter that does refuse makes the cache shrink.
 */
export function defaultBudget(context: GpuContext): number {
  if (context.card.isSoftware) return 1 * GIB;
  return Math.min(2 * context.device.limits.maxBufferSize, 8 * GIB);
}
