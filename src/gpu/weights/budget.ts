import type { GpuContext } from '../device';

const GIB = 2 ** 30;

/** Of the room that there is, what weights may take: activations, keys and values, captures and the screen need theirs. */
const SHARE_OF_ROOM = 0.8;

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

/**
 * The same, where the driver refuses what it has no room for: what it really gives, as far as a model needs it. Asking takes the driver a second, so only for
 * models that need more than the cautious budget.
 * @param wanted bytes of all weights, as they lie on the GPU
 * @param held bytes of them that have their room already
 */
export async function roomyBudget(context: GpuContext, wanted: number, held: () => number = () => 0): Promise<number> {
  const cautious = defaultBudget(context);
  const isSmall = wanted <= cautious || context.device.limits.maxBufferSize < GIB;
  if (!context.refusesMemory || isSmall) return cautious;
  const probes: GPUBuffer[] = [];
  const share = (): number => Math.floor(SHARE_OF_ROOM * (GIB * probes.length + held()));
  while (share() < wanted) {
    const probe = await probeFor(context.device, GIB);
    if (probe === undefined) break;
    probes.push(probe);
  }
  const room = share();
  for (const probe of probes) probe.destroy();
  return Math.max(cautious, room);
}

/** Memory that counts as nobody's; undefined where the device has none left. */
async function probeFor(device: GPUDevice, size: number): Promise<GPUBuffer | undefined> {
  device.pushErrorScope('out-of-memory');
  const buffer = device.createBuffer({ label: 'room', size, usage: GPUBufferUsage.STORAGE });
  if ((await device.popErrorScope().catch(() => true)) === null) return buffer;
  buffer.destroy();
  return undefined;
}
