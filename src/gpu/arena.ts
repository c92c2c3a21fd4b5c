import type { GpuContext } from './device';

/** Offsets of uniform and storage bindings are multiples of this on every adapter (WebGPU's default alignment). */
export const BINDING_ALIGNMENT = 256;

export interface ArenaSlot {
  readonly buffer: GPUBuffer;
  /** Bytes; a multiple of {@link BINDING_ALIGNMENT}. */
  readonly offset: number;
}

/**
 * Small pieces of data that the CPU makes for the commands between two submits. `write` puts them on the queue; after `reset` the
 * memory is used again, which is safe because a queue runs writes and submits in order.
 */
export class Arena {
  readonly #context: GpuContext;
  readonly #label: string;
  readonly #usage: GPUBufferUsageFlags;
  #buffer: GPUBuffer;
  #data: Uint8Array<ArrayBuffer>;
  #used = 0;
  /** Buffers that became too small; commands not yet submitted still bind them. */
  #outgrown: GPUBuffer[] = [];

  constructor(context: GpuContext, label: string, usage: GPUBufferUsageFlags, bytes: number) {
    this.#context = context;
    this.#label = label;
    this.#usage = usage | GPUBufferUsage.COPY_DST;
    this.#data = new Uint8Array(bytes);
    this.#buffer = context.allocate(label, bytes, this.#usage);
  }

  /** Reserves `bytes`; `fill` writes them through a view that starts at byte 0 of the slot. */
  place(bytes: number, fill: (view: DataView<ArrayBuffer>) => void): ArenaSlot {
    const step = Math.ceil(Math.max(bytes, 1) / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;
    if (this.#used + step > this.#data.length) {
      this.write();
      this.#outgrown.push(this.#buffer);
      this.#data = new Uint8Array(Math.max(2 * this.#data.length, step));
      this.#used = 0;
      this.#buffer = this.#context.allocate(this.#label, this.#data.length, this.#usage);
    }
    const offset = this.#used;
    this.#used += step;
    fill(new DataView(this.#data.buffer, offset, bytes));
    return { buffer: this.#buffer, offset };
  }

  /** Puts what was placed on the queue, ahead of the commands that read it. */
  write(): void {
    if (this.#used > 0) this.#context.device.queue.writeBuffer(this.#buffer, 0, this.#data, 0, this.#used);
  }

  /** After the submit: everything placed so far is over. */
  reset(): void {
    this.#used = 0;
    for (const buffer of this.#outgrown) this.#context.release(buffer);
    this.#outgrown = [];
  }

  dispose(): void {
    this.reset();
    this.#context.release(this.#buffer);
  }
}
