import { fail } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import { neighbourRuns } from '../../gguf/neighbours';
import type { GpuContext } from '../device';
import { limiter } from './limiter';
import type { ResidentWeights } from './resident-weights';
import type { PlacedRows } from './placed-rows';
import { SlabPool, type Slot } from './slab-pool';
import { Uploader } from './uploader';
import type { WeightPart } from './weight-part';

/** Reads of the file at the same time. */
const PARALLEL_READS = 4;

export interface WeightCacheOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  /** Bytes of weights to keep on the GPU. What one batch needs is held even if it is more. */
  readonly budget: number;
  /** What the device really gives, where it can be asked. It is, once, when half of the budget is used. @param held bytes that the cache holds then */
  readonly moreBudget?: ((held: () => number) => Promise<number>) | undefined;
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
  /** Parts that were asked for and had to be read. */
  readonly misses: number;
  readonly evictions: number;
}

/** Parts that stay on the GPU until they are released. */
export interface PinnedWeights {
  /** In the order of the parts that were asked for. */
  readonly places: readonly PlacedRows[];
  /** Safe to call twice. Only after the commands that read them were submitted. */
  release(): void;
}

interface Entry {
  readonly part: WeightPart;
  readonly place: { slot: Slot };
  /** Users, and the load itself while it runs. Only entries without are evicted. */
  pins: number;
  /**
   * log2 of its uses, each counted as 2^(calls before it / {@link HALF_LIFE}): the scale grows with time, so that the order of two entries
   * changes only when one is used.
   */
  score: number;
  readonly loaded: Promise<PlacedRows>;
}

/** Calls after which a use counts half: about a token of decoding, so that what every token needs outlives what one prompt needed. */
const HALF_LIFE = 512;

/**
 * Weights on the GPU under a byte budget: evicts the entry with the lowest use count, decayed by half every {@link HALF_LIFE}
 * calls (LFU with aging). What is computed never depends on what is kept: a part is
 * the same bytes whenever it is read.
 */
export class WeightCache {
  readonly #options: WeightCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #abort = new AbortController();
  readonly #limit = limiter(PARALLEL_READS);
  readonly #pool: SlabPool;
  /** Brings weights to the GPU, those too that are not kept here. */
  readonly uploader: Uploader;
  #budget: number;
  /** The device has no more than the budget. */
  #isFull = false;
  #asked: Promise<void> | undefined;
  #resident: ResidentWeights | undefined;
  #bytes = 0;
  #pinnedBytes = 0;
  #bytesRead = 0;
  #expertsRead = 0;
  #hits = 0;
  #misses = 0;
  /** Calls so far: the clock of uses. */
  #now = 0;
  #evictions = 0;

  constructor(options: WeightCacheOptions) {
    this.#options = options;
    this.#budget = options.budget;
    this.#pool = new SlabPool(options.context);
    this.uploader = new Uploader(options.context, 'streamed');
  }

  get stats(): WeightStats {
    return {
      weightBytes: this.#bytes + (this.#resident?.bytes ?? 0),
      bytesRead: this.#bytesRead,
      expertsRead: this.#expertsRead,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  /** Bytes that parts used at the same time should not exceed: half the budget, so that what comes next can be read meanwhile. */
  get batchBytes(): number {
    return (this.#resident?.bytes ?? this.#budget) / 2;
  }

  /** What the cache may hold in all. */
  get budget(): number {
    return this.#budget;
  }

  /** The same, once the device was asked for more where it can be. */
  async wholeBudget(): Promise<number> {
    await (this.#asked ??= this.#askForMore());
    return this.#budget;
  }

  /** All weights, when they are on the GPU as a whole. */
  get resident(): ResidentWeights | undefined {
    return this.#resident;
  }

  /** Gives back the memory of every part that nobody uses, once those that are being read have come. Budget and counts stay. */
  async clear(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map((entry) => entry.loaded));
    for (const entry of [...this.#entries.values()]) if (entry.pins === 0) this.#drop(entry);
    this.#pool.trim(0);
  }

  /** Serves every part from these weights from now on, and disposes of them in the end. After {@link clear}. */
  adopt(weights: ResidentWeights): void {
    this.#resident = weights;
  }

  /** Whether the parts fit without dropping one that is pinned. */
  hasRoomFor(parts: readonly WeightPart[]): boolean {
    if (this.#residentPlaces(parts) !== undefined) return true;
    let needed = this.#pinnedBytes;
    for (const part of parts) {
      if ((this.#entries.get(part.key)?.pins ?? 0) === 0) needed += part.bytes;
    }
    return needed <= this.#budget;
  }

  /**
   * Brings parts onto the GPU and holds them there.
   * @throws TracerError as `ModelFile.readTensor`; `gpu-memory`, `run-cancelled`.
   */
  async acquire(parts: readonly WeightPart[], signal: AbortSignal | undefined): Promise<PinnedWeights> {
    this.#now++;
    const resident = this.#residentPlaces(parts);
    if (resident !== undefined) {
      this.#hits += parts.length;
      return { places: resident, release: () => undefined };
    }
    const found = new Map<WeightPart, Entry>();
    // What is there is pinned before anything is dropped for what is not.
    for (const part of parts) {
      const entry = this.#entries.get(part.key);
      if (entry === undefined) continue;
      this.#hits++;
      this.#touch(entry);
      this.#pin(entry);
      found.set(part, entry);
    }
    for (const run of neighbourRuns(inFileOrder(parts.filter((part) => !found.has(part))))) {
      for (const entry of this.#start(run, signal)) {
        this.#misses++;
        this.#pin(entry);
        found.set(entry.part, entry);
      }
    }
    const entries = parts.flatMap((part) => found.get(part) ?? []);
    let held = true;
    const release = (): void => {
      if (held) for (const entry of entries) this.#unpin(entry);
      held = false;
    };
    // Waits for all before rethrowing the first failure: no read outlives the step that asked for it.
    const loaded = await Promise.allSettled(entries.map((entry) => entry.loaded));
    const places: PlacedRows[] = [];
    for (const result of loaded) {
      if (result.status === 'fulfilled') places.push(result.value);
      else {
        release();
        throw result.reason;
      }
    }
    return { places, release };
  }

  /** Starts reading what will be needed soon. Failures are met again, and reported, by `acquire`. */
  prefetch(parts: readonly WeightPart[]): void {
    if (this.#resident !== undefined) return;
    this.#now++;
    const missing = parts.filter((part) => !this.#entries.has(part.key));
    const bytes = missing.reduce((sum, part) => sum + part.bytes, 0);
    if (bytes > this.#budget / 4) return;
    for (const run of neighbourRuns(inFileOrder(missing))) this.#start(run, this.#abort.signal);
  }

  dispose(): void {
    this.#abort.abort();
    this.#entries.clear();
    this.#pool.dispose();
    this.uploader.dispose();
    this.#resident?.dispose();
    this.#resident = undefined;
    this.#bytes = 0;
  }

  /** Where the parts lie among the resident weights; undefined when one of them does not. */
  #residentPlaces(parts: readonly WeightPart[]): readonly PlacedRows[] | undefined {
    if (this.#resident === undefined) return undefined;
    const places: PlacedRows[] = [];
    for (const part of parts) {
      const place = this.#resident.place(part);
      if (place === undefined) return undefined;
      places.push(place);
    }
    return places;
  }

  /** Begins to bring neighbours, which one read brings. */
  #start(run: readonly WeightPart[], signal: AbortSignal | undefined): readonly Entry[] {
    const placed = run.map((part) => {
      const place = { slot: this.#slotFor(part) };
      this.#bytes += part.bytes;
      return { part, place };
    });
    const loading = this.#limit(() => this.#load(placed, signal));
    return placed.map(({ part, place }, i) => {
      const loaded = loading.then((places): PlacedRows => {
        const found = places[i];
        if (found === undefined) throw new Error('unreachable');
        return found;
      });
      const entry: Entry = { part, place, pins: 0, score: this.#now / HALF_LIFE, loaded };
      this.#pin(entry);
      this.#entries.set(part.key, entry);
      loaded.then(
        () => {
          this.#unpin(entry);
        },
        () => {
          this.#unpin(entry);
          if (this.#entries.get(part.key) === entry) this.#drop(entry);
        },
      );
      return entry;
    });
  }

  async #load(
    run: readonly Pick<Entry, 'part' | 'place'>[],
    signal: AbortSignal | undefined,
  ): Promise<readonly PlacedRows[]> {
    const targets: PlacedRows[] = [];
    for (const { part, place } of run) {
      const buffer = await this.#allocated(part, place);
      const { tensor, firstRow, rows } = part;
      targets.push({ tensor, firstRow, rows, buffer, offset: place.slot.offset });
    }
    const onRead = (tensor: string, bytes: number): void => {
      this.#bytesRead += bytes;
      this.#options.onRead?.(tensor, bytes);
    };
    await this.uploader.uploadRun(targets, { model: this.#options.model, onRead, signal });
    this.#expertsRead += run.filter(({ part }) => part.expert !== undefined).length;
    return targets;
  }

  /** The buffer of a slot. When the GPU is full, the budget shrinks to what fitted, and the least used parts make room. */
  async #allocated(part: WeightPart, place: Entry['place']): Promise<GPUBuffer> {
    for (;;) {
      const { slab } = place.slot;
      const buffer = await slab.allocated;
      if (buffer !== undefined) return buffer;
      const evictable = [...this.#entries.values()].some((entry) => entry.pins === 0);
      if (slab.slots === 1 && !evictable) {
        throw fail(
          'gpu-memory',
          `The GPU has no room for ${part.bytes} bytes of ${part.tensor.name}.`,
          'Close other programs that use the GPU, capture fewer positions, or use an adapter with more memory.',
          { tensor: part.tensor.name, bytes: part.bytes, weightBytes: this.#bytes },
        );
      }
      this.#isFull = true;
      this.#budget = Math.min(this.#budget, this.#pool.bytes);
      place.slot = this.#slotFor(part);
    }
  }

  /** Room for a part: a free slot, new memory within the budget, or what the least used unpinned parts leave. */
  #slotFor(part: WeightPart): Slot {
    const pool = this.#pool;
    // A slab is no larger than a whole tensor, so that a small model does not take the memory of a large one.
    const experts = part.expert === undefined ? 1 : (part.tensor.dims[2] ?? 1);
    const grow = (): Slot => pool.grow(part.key, part.bytes, experts, this.#budget);
    const free = pool.take(part.bytes, experts > 1);
    if (free !== undefined) return free;
    if (pool.bytes + part.bytes > this.#budget / 2) this.#asked ??= this.#askForMore();
    if (pool.bytes + part.bytes <= this.#budget) return grow();
    for (const entry of this.#leastUsed()) {
      this.#drop(entry);
      this.#evictions++;
      // Above the budget since a time when everything was pinned: memory goes back before it is used again.
      pool.trim(this.#budget);
      if (pool.bytes > this.#budget) continue;
      const left = pool.take(part.bytes, experts > 1);
      if (left !== undefined) return left;
      pool.trim(this.#budget - part.bytes);
      if (pool.bytes + part.bytes <= this.#budget) return grow();
    }
    pool.trim(this.#budget - part.bytes);
    return grow();
  }

  async #askForMore(): Promise<void> {
    // A device that is lost meanwhile fails whatever comes next.
    const more = await this.#options.moreBudget?.(() => this.#pool.bytes).catch(() => undefined);
    if (more !== undefined && more > this.#budget && !this.#isFull) this.#budget = more;
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.part.key);
    this.#pool.give(entry.place.slot);
    this.#bytes -= entry.part.bytes;
  }

  #pin(entry: Entry): void {
    if (entry.pins++ === 0) this.#pinnedBytes += entry.part.bytes;
  }

  #unpin(entry: Entry): void {
    if (--entry.pins === 0) this.#pinnedBytes -= entry.part.bytes;
  }

  #touch(entry: Entry): void {
    const now = this.#now / HALF_LIFE;
    entry.score = now + Math.log2(2 ** (entry.score - now) + 1);
  }

  /** Entries that nobody holds, those used least first; of equals the one that came first. */
  *#leastUsed(): Generator<Entry> {
    for (;;) {
      let least: Entry | undefined;
      let lowest = Infinity;
      for (const entry of this.#entries.values()) {
        if (entry.pins > 0 || entry.score >= lowest) continue;
        least = entry;
        lowest = entry.score;
      }
      if (least === undefined) return;
      yield least;
    }
  }
}

function inFileOrder(parts: readonly WeightPart[]): readonly WeightPart[] {
  return parts.toSorted((a, b) => compareText(a.tensor.name, b.tensor.name) || a.firstRow - b.firstRow);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
