import type { GpuContext } from '../device';

/** Bytes of the file, on their way through mapped memory. */
export interface Staged {
  readonly buffer: GPUBuffer;
  /** A multiple of 4. */
  readonly size: number;
  /** Once what copies from it was submitted. */
  giveBack(): void;
}

/** A few mappable buffers, used again as soon as the GPU has read them. */
export class StagingRing {
  readonly #context: GpuContext;
  readonly #most: number;
  readonly #bytes: number;
  readonly #buffers = new Set<GPUBuffer>();
  /** Buffers that are mapped, or will be once the GPU has read them; the one that is ready first comes first. */
  readonly #mapped: Promise<GPUBuffer>[] = [];

  /** @param bytes of a buffer; one that has to hold more is larger */
  constructor(context: GpuContext, most: number, bytes: number) {
    this.#context = context;
    this.#most = most;
    this.#bytes = bytes;
  }

  async fill(bytes: Uint8Array<ArrayBuffer>): Promise<Staged> {
    const size = Math.ceil(bytes.length / 4) * 4;
    const buffer = await this.#take(size);
    new Uint8Array(buffer.getMappedRange(0, size)).set(bytes);
    buffer.unmap();
    return {
      buffer,
      size,
      giveBack: () => {
        const again = buffer.mapAsync(GPUMapMode.WRITE).then(() => buffer);
        again.catch(() => undefined);
        this.#mapped.push(again);
      },
    };
  }

  /** When no buffer is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#mapped);
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#context.release(buffer);
    this.#buffers.clear();
  }

  /** A mapped buffer of at least `size` bytes. */
  async #take(size: number): Promise<GPUBuffer> {
    if (this.#buffers.size >= this.#most) {
      const oldest = await this.#mapped.shift();
      if (oldest !== undefined && oldest.size >= size) return oldest;
      if (oldest !== undefined) {
        this.#buffers.delete(oldest);
        this.#context.release(oldest);
      }
    }
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    const buffer = this.#context.allocate('slice', Math.max(size, this.#bytes), usage);
    this.#buffers.add(buffer);
    await buffer.mapAsync(GPUMapMode.WRITE);
    return buffer;
  }
}
