import { fail } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import type { GpuContext } from '../device';
import { limiter } from './limiter';
import { uploadPart } from './upload-part';
import type { WeightPart } from './weight-part';

/** Parts that are read from the file at the same time. */
const PARALLEL_READS = 4;

export interface WeightCacheOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  /** Bytes of weights to keep on the GPU. What one batch needs is held even if it is more. */
  readonly budget: number;
  readonly onRead?: (tensor: string, bytes: number) => void;
}

export interface WeightStats {
  /** Bytes of weights on the GPU now. */
  readonly weightBytes: number;
  readonly bytesRead: number;
  /** Experts' matrices read from the file. */
  readonly expertsRead: number;
  /** Parts that were asked for and already there. */
  readonly hits: number;
  readonly evictions: number;
}

/** Parts that stay on the GPU until they are released. */
export interface PinnedWeights {
  /** In the order of the parts that were asked for. */
  readonly buffers: readonly GPUBuffer[];
  /** Safe to call twice. Only after the commands that read them were submitted. */
  release(): void;
}

interface Entry {
  readonly part: WeightPart;
  buffer: GPUBuffer | undefined;
  /** Users, and the load itself while it runs. Only entries without are evicted. */
  pins: number;
  loaded: Promise<GPUBuffer>;
}

/**
 * Weights on the GPU under a byte budget, least recently used out first. What is computed never depends on what is kept: a part is
 * the same bytes whenever it is read.
 */
export class WeightCache {
  readonly #options: WeightCacheOptions;
  /** Oldest use first. */
  readonly #entries = new Map<string, Entry>();
  readonly #abort = new AbortController();
  readonly #limit = limiter(PARALLEL_READS);
  #budget: number;
  #bytes = 0;
  #bytesRead = 0;
  #expertsRead = 0;
  #hits = 0;
  #evictions = 0;

  constructor(options: WeightCacheOptions) {
    this.#options = options;
    this.#budget = options.budget;
  }

  get stats(): WeightStats {
    return {
      weightBytes: this.#bytes,
      bytesRead: this.#bytesRead,
      expertsRead: this.#expertsRead,
      hits: this.#hits,
      evictions: this.#evictions,
    };
  }

  /** Bytes that parts used at the same time should not exceed: half the budget, so that what comes next can be read meanwhile. */
  get batchBytes(): number {
    return this.#budget / 2;
  }

  /** Whether the parts fit without dropping one that is pinned. */
  hasRoomFor(parts: readonly WeightPart[]): boolean {
    let needed = 0;
    const own = new Set<string>();
    for (const part of parts) {
      own.add(part.key);
      needed += part.bytes;
    }
    for (const entry of this.#entries.values()) {
      if (entry.pins > 0 && !own.has(entry.part.key)) needed += entry.part.bytes;
    }
    return needed <= this.#budget;
  }

  /**
   * Brings parts onto the GPU and holds them there.
   * @throws TracerError as `ModelFile.readTensor`; `gpu-memory`, `run-cancelled`.
   */
  async acquire(parts: readonly WeightPart[], signal: AbortSignal | undefined): Promise<PinnedWeights> {
    const found = new Map<WeightPart, Entry>();
    // What is there is pinned before anything is dropped for what is not.
    for (const part of parts) {
      const entry = this.#entries.get(part.key);
      if (entry === undefined) continue;
      this.#hits++;
      this.#touch(entry);
      entry.pins++;
      found.set(part, entry);
    }
    const entries = parts.map((part) => {
      const entry = found.get(part) ?? this.#start(part, signal);
      if (!found.has(part)) entry.pins++;
      return entry;
    });
    let held = true;
    const release = (): void => {
      if (held) for (const entry of entries) entry.pins--;
      held = false;
    };
    // All come to rest before the first failure goes on: no read outlives the step that asked for it.
    const loaded = await Promise.allSettled(entries.map((entry) => entry.loaded));
    const buffers: GPUBuffer[] = [];
    for (const result of loaded) {
      if (result.status === 'fulfilled') buffers.push(result.value);
      else {
        release();
        throw result.reason;
      }
    }
    return { buffers, release };
  }

  /** Starts reading what will be needed soon. Failures are met again, and reported, by `acquire`. */
  prefetch(parts: readonly WeightPart[]): void {
    const missing = parts.filter((part) => !this.#entries.has(part.key));
    const bytes = missing.reduce((sum, part) => sum + part.bytes, 0);
    if (bytes > this.#budget / 4) return;
    for (const part of missing) this.#start(part, this.#abort.signal);
  }

  dispose(): void {
    this.#abort.abort();
    for (const entry of this.#entries.values())
      if (entry.buffer !== undefined) this.#options.context.release(entry.buffer);
    this.#entries.clear();
    this.#bytes = 0;
  }

  #start(part: WeightPart, signal: AbortSignal | undefined): Entry {
    this.#makeRoom(part.bytes);
    this.#bytes += part.bytes;
    const entry: Entry = { part, buffer: undefined, pins: 1, loaded: this.#load(part, signal) };
    this.#entries.set(part.key, entry);
    entry.loaded.then(
      (buffer) => {
        entry.buffer = buffer;
        entry.pins--;
        if (!this.#entries.has(part.key)) this.#options.context.release(buffer);
      },
      () => {
        entry.pins--;
        if (this.#entries.get(part.key) !== entry) return;
        this.#entries.delete(part.key);
        this.#bytes -= part.bytes;
      },
    );
    return entry;
  }

  async #load(part: WeightPart, signal: AbortSignal | undefined): Promise<GPUBuffer> {
    return this.#limit(async () => {
      const { context, model } = this.#options;
      const buffer = await this.#allocate(part);
      try {
        const onRead = (tensor: string, bytes: number): void => {
          this.#bytesRead += bytes;
          this.#options.onRead?.(tensor, bytes);
        };
        await uploadPart(part, buffer, 0, { model, queue: context.device.queue, onRead, signal });
        if (part.expert !== undefined) this.#expertsRead++;
        return buffer;
      } catch (error) {
        context.release(buffer);
        throw error;
      }
    });
  }

  /** A buffer for a part. When the GPU is full, the budget shrinks to what fitted and the oldest parts go. */
  async #allocate(part: WeightPart): Promise<GPUBuffer> {
    const { context } = this.#options;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    for (;;) {
      const buffer = await context.tryAllocate(part.key, part.bytes, usage);
      if (buffer !== undefined) return buffer;
      this.#budget = Math.min(this.#budget, this.#bytes - part.bytes);
      const before = this.#evictions;
      this.#makeRoom(0);
      if (this.#evictions === before) {
        throw fail(
          'gpu-memory',
          `The GPU has no room for ${part.bytes} bytes of ${part.tensor.name}.`,
          'Close other programs that use the GPU, capture fewer positions, or use an adapter with more memory.',
          { tensor: part.tensor.name, bytes: part.bytes, weightBytes: this.#bytes },
        );
      }
    }
  }

  /** Drops unpinned parts, oldest first, until `bytes` more are within the budget or nothing is left to drop. */
  #makeRoom(bytes: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.#budget) return;
      if (entry.pins > 0 || entry.buffer === undefined) continue;
      this.#options.context.release(entry.buffer);
      this.#entries.delete(key);
      this.#bytes -= entry.part.bytes;
      this.#evictions++;
    }
  }

  #touch(entry: Entry): void {
    this.#entries.delete(entry.part.key);
    this.#entries.set(entry.part.key, entry);
  }
}
