import type { GpuContext } from '../device';
import type { Recorder } from '../recorder';

/** Keys (after RoPE) and values of one layer: (positions, nHeadKv * headDim), f32. */
export interface LayerKeys {
  readonly keys: GPUBuffer;
  readonly values: GPUBuffer;
}

/** Keys and values of all layers, kept from step to step. 8 * kvDim bytes a position and layer. */
export class KvCache {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #kvDim: number;
  readonly #layers = new Map<number, LayerKeys>();
  #capacity = 0;

  constructor(context: GpuContext, recorder: Recorder, kvDim: number) {
    this.#context = context;
    this.#recorder = recorder;
    this.#kvDim = kvDim;
  }

  /** Makes room for `positions` positions and keeps what is there. Nothing that reads the cache may be recorded and not submitted. */
  reserve(positions: number): void {
    if (positions <= this.#capacity) return;
    // The first prompt gets exactly its size; continuations grow by half so that decoding does not copy at every token.
    this.#capacity = this.#capacity === 0 ? positions : Math.max(positions, Math.ceil(this.#capacity * 1.5));
    for (const [layer, old] of this.#layers) {
      const grown = this.#create(layer);
      this.#recorder.copy(old.keys, 0, grown.keys, 0, old.keys.size);
      this.#recorder.copy(old.values, 0, grown.values, 0, old.values.size);
      this.#layers.set(layer, grown);
      this.#recorder.afterSubmit(() => {
        this.#release(old);
      });
    }
    this.#recorder.submit();
  }

  layer(layer: number): LayerKeys {
    let found = this.#layers.get(layer);
    if (found === undefined) {
      found = this.#create(layer);
      this.#layers.set(layer, found);
    }
    return found;
  }

  dispose(): void {
    for (const layer of this.#layers.values()) this.#release(layer);
    this.#layers.clear();
    this.#capacity = 0;
  }

  #create(layer: number): LayerKeys {
    const size = 4 * this.#capacity * this.#kvDim;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return {
      keys: this.#context.allocate(`keys ${layer}`, size, usage),
      values: this.#context.allocate(`values ${layer}`, size, usage),
    };
  }

  #release(layer: LayerKeys): void {
    this.#context.release(layer.keys);
    this.#context.release(layer.values);
  }
}
