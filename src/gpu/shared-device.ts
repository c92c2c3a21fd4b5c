import { GpuContext } from './device';

/**
 * One device for sessions that follow one another. Each gets a context of its own, whose end leaves the device and its compiled kernels in
 * place: on a software adapter compiling is most of a small run. A lost device is opened afresh.
 */
export class SharedDevice {
  readonly #open: () => Promise<GpuContext>;
  #owner: Promise<GpuContext> | undefined;

  /** @param open gives the context that owns the device */
  constructor(open: () => Promise<GpuContext>) {
    this.#open = open;
  }

  /** A context for one session. @throws what `open` throws; the next call tries again */
  async context(): Promise<GpuContext> {
    const opening = (this.#owner ??= this.#open());
    const forget = (): void => {
      if (this.#owner === opening) this.#owner = undefined;
    };
    const { device, card, refusesMemory } = await opening.catch((error: unknown) => {
      forget();
      throw error;
    });
    void device.lost.then(forget);
    const context = new GpuContext(device, card, true);
    context.refusesMemory = refusesMemory;
    return context;
  }

  /** Destroys the device. The next {@link context} opens another one. */
  async dispose(): Promise<void> {
    const owner = this.#owner;
    this.#owner = undefined;
    (await owner?.catch(() => undefined))?.dispose();
  }
}
