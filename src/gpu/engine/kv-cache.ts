import type { GpuContext } from '../device';
import type { Recorder } from '../recorder';

/** State of all layers, one row a position, kept from step to step: keys and values, and whatever else a layer appends to. */
export class KvCache {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #width: (layer: number, slot: string) => number;
  readonly #slots = new Map<string, { readonly layer: number; readonly slot: string; buffer: GPUBuffer }>();
  #capacity = 0;

  /** @param width words of a position */
  constructor(context: GpuContext, recorder: Recorder, width: (layer: number, slot: string) => number) {
    this.#context = context;
    this.#recorder = recorder;
    this.#width = width;
  }

  /** Makes room for `positions` positions and keeps what is there. Nothing that reads the cache may be recorded and not submitted. */
  reserve(positions: number): void {
    if (positions <= this.#capacity) return;
    // The first prompt gets exactly its size; continuations grow by half so that decoding does not copy at every token.
    this.#capacity = this.#capacity === 0 ? positions : Math.max(positions, Math.ceil(this.#capacity * 1.5));
    for (const kept of this.#slots.values()) {
      const old = kept.buffer;
      kept.buffer = this.#create(kept.layer, kept.slot);
      this.#recorder.copy(old, 0, kept.buffer, 0, old.size);
      this.#recorder.afterSubmit(() => {
        this.#context.release(old);
      });
    }
    this.#recorder.submit();
  }

  /** (positions, ...) of a layer's state. */
  slot(layer: number, slot: string): GPUBuffer {
    const key = `${layer} ${slot}`;
    let found = this.#slots.get(key);
    if (found === undefined) {
      found = { layer, slot, buffer: this.#create(layer, slot) };
      this.#slots.set(key, found);
    }
    return found.buffer;
  }

  dispose(): void {
    for (const { buffer } of this.#slots.values()) this.#context.release(buffer);
    this.#slots.clear();
    this.#capacity = 0;
  }

  #create(layer: number, slot: string): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#context.allocate(`${slot} ${layer}`, 4 * this.#capacity * this.#width(layer, slot), usage);
  }
}
