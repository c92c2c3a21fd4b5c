import { orCancelled } from '../../base/abort';
import type { GpuContext } from '../device';
import type { Recorder } from '../recorder';

/** Brings small tables (chosen experts) to the CPU through a buffer that is used again each time: every layer needs one. */
export class IndexReadback {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  #staging: GPUBuffer | undefined;

  constructor(context: GpuContext, recorder: Recorder) {
    this.#context = context;
    this.#recorder = recorder;
  }

  /**
   * Submits what is recorded and gives the first `length` words of `source` as they are after it.
   * @throws TracerError `run-cancelled`, without waiting for the GPU
   */
  async read(source: GPUBuffer, length: number, signal: AbortSignal | undefined): Promise<Uint32Array<ArrayBuffer>> {
    const size = 4 * length;
    if (this.#staging === undefined || this.#staging.size < size) {
      this.dispose();
      const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
      this.#staging = this.#context.allocate('index readback', size, usage);
    }
    const staging = this.#staging;
    this.#recorder.copy(source, 0, staging, 0, size);
    this.#recorder.submit();
    try {
      await orCancelled(staging.mapAsync(GPUMapMode.READ, 0, size), signal);
    } catch (error) {
      // Perhaps still being mapped: the next read needs another.
      this.dispose();
      throw error;
    }
    const words = new Uint32Array(staging.getMappedRange(0, size).slice(0));
    staging.unmap();
    return words;
  }

  dispose(): void {
    if (this.#staging !== undefined) this.#context.release(this.#staging);
    this.#staging = undefined;
  }
}
