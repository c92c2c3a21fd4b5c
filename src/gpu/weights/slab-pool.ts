import type { GpuContext } from '../device';

/**
 * Bytes of a slab where many parts share one, if adapter and budget allow as much: of the first of its size, and of those behind it, each twice as
 * large as the one before. A driver takes as long for a buffer whatever its size, and a small model needs no large ones.
 */
const SLAB_BYTES = { first: 128 * 2 ** 20, most: 1024 * 2 ** 20 };
/** A shared slab takes at most this share of the budget. */
const BUDGET_SHARE = 1 / 8;

/** A buffer of equal slots. */
interface Slab {
  readonly slotBytes: number;
  readonly bytes: number;
  /** Whether it was made for many. */
  readonly shared: boolean;
  /** Slots that nobody holds, highest first. */
  readonly free: number[];
  readonly slots: number;
  /** Undefined when the device had no room. */
  readonly allocated: Promise<GPUBuffer | undefined>;
  buffer: GPUBuffer | undefined;
}

/** Room for one part of a weight. */
export interface Slot {
  readonly slab: Slab;
  readonly offset: number;
}

/**
 * GPU memory for parts of weights. Experts of one size lie side by side in slabs, so that one dispatch sees many of them; a part of
 * any other kind has a buffer of its own. A slab whose slots are all free is kept until its memory is wanted.
 */
export class SlabPool {
  readonly #context: GpuContext;
  readonly #slabs = new Set<Slab>();
  #bytes = 0;

  constructor(context: GpuContext) {
    this.#context = context;
  }

  /** Bytes of all slabs, free slots counted. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A free slot of exactly this size. */
  take(slotBytes: number, shared: boolean): Slot | undefined {
    for (const slab of this.#slabs) {
      if (slab.slotBytes !== slotBytes || slab.shared !== shared) continue;
      const index = slab.free.pop();
      if (index !== undefined) return { slab, offset: index * slotBytes };
    }
    return undefined;
  }

  /**
   * A slot of a new slab: of `mostSlots` (1: not shared), of twice as many as the largest of its size, or of as many as fit in the budget's share and
   * in what is left of the budget; of one at least.
   */
  grow(label: string, slotBytes: number, mostSlots: number, budget: number): Slot {
    const before = mostSlots > 1 ? this.#mostSlots(slotBytes) : 0;
    const allowed = before === 0 ? SLAB_BYTES.first : SLAB_BYTES.most;
    const most = Math.min(allowed, this.#context.maxBindingBytes, budget * BUDGET_SHARE, budget - this.#bytes);
    const slots = Math.max(1, Math.min(Math.max(mostSlots, 2 * before), Math.floor(most / slotBytes)));
    const bytes = slots * slotBytes;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const slab: Slab = {
      slotBytes,
      bytes,
      slots,
      shared: mostSlots > 1,
      free: Array.from({ length: slots - 1 }, (_, i) => slots - 1 - i),
      buffer: undefined,
      allocated: this.#context.tryAllocate(label, bytes, usage).then((buffer) => {
        slab.buffer = buffer;
        if (buffer === undefined) this.#forget(slab);
        else if (!this.#slabs.has(slab)) this.#context.release(buffer);
        return buffer;
      }),
    };
    this.#slabs.add(slab);
    this.#bytes += bytes;
    return { slab, offset: 0 };
  }

  /** Slots of the largest shared slab of this size; 0 where there is none. */
  #mostSlots(slotBytes: number): number {
    const slots = [...this.#slabs].map((slab) => (slab.shared && slab.slotBytes === slotBytes ? slab.slots : 0));
    return Math.max(0, ...slots);
  }

  /** Takes a slot back. */
  give(slot: Slot): void {
    slot.slab.free.push(slot.offset / slot.slab.slotBytes);
  }

  /** Frees slabs that nobody uses until the pool has `bytes` or less. */
  trim(bytes: number): void {
    for (const slab of this.#slabs) {
      if (this.#bytes <= bytes) return;
      if (slab.free.length === slab.slots) this.#release(slab);
    }
  }

  dispose(): void {
    for (const slab of this.#slabs) this.#release(slab);
  }

  #release(slab: Slab): void {
    this.#forget(slab);
    // One that is still being allocated is released when it comes.
    if (slab.buffer !== undefined) this.#context.release(slab.buffer);
  }

  #forget(slab: Slab): void {
    if (this.#slabs.delete(slab)) this.#bytes -= slab.bytes;
  }
}
