import type { GpuContext } from '../device';
import type { BufferRange } from '../recorder';

/** One buffer for each value, made when it is first needed and as large as the largest chunk so far. */
export class ValueBuffers {
  readonly #context: GpuContext;
  readonly #label: string;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(context: GpuContext, label: string) {
    this.#context = context;
    this.#label = label;
  }

  /** Room for so many words under a name. What was in it is lost when it has to grow. */
  get(name: string, words: number): BufferRange {
    const size = Math.max(4, 4 * words);
    const old = this.#buffers.get(name);
    if (old !== undefined && old.size >= size) return { buffer: old, offset: 0, size };
    if (old !== undefined) this.#context.release(old);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#context.allocate(`${this.#label} ${name}`, size, usage);
    this.#buffers.set(name, buffer);
    return { buffer, offset: 0, size };
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#context.release(buffer);
    this.#buffers.clear();
  }
}
