import { sizeOf, type Sizes } from '../../arch/graph';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';
import type { KernelSet } from './kernel-set';

/** A work list that lies on the GPU: how many rows each expert has is not known here. */
export interface GroupedList {
  readonly entries: GPUBuffer;
  /** (token, slot) and (slot, slot) of each row. */
  readonly tokenRows: GPUBuffer;
  readonly slotRows: GPUBuffer;
  /** Entries, those without rows counted. */
  readonly entryCount: number;
}

/** What a list depends on, beside the chosen experts. */
export interface GroupedShape {
  /** Most rows of an entry. */
  readonly tile: number;
  /** Words of one expert's matrix. */
  readonly expertWords: number;
  /** The experts in the buffer that the list is for; others get entries without rows. */
  readonly firstExpert: number;
  readonly endExpert: number;
}

/** Most entries of a list of `slots` slots: an expert's last entry may hold one row only. */
export function mostEntries(slots: number, nExpert: number, tile: number): number {
  const experts = Math.min(slots, nExpert);
  return Math.floor((slots + experts * (tile - 1)) / tile);
}

/**
 * The slots of a chunk grouped by expert on the GPU, so that nobody has to wait for the CPU to learn which experts were chosen. Products that
 * ask alike share a list.
 */
export class ExpertGroups {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #kernels: KernelSet;
  readonly #nExpert: number;
  readonly #nUsed: number;
  /** Lists of the chunk, by what they depend on. */
  readonly #lists = new Map<string, GroupedList>();
  /** Memory of lists, used again by the next chunk. */
  readonly #memory: { readonly list: GroupedList; readonly slots: number; readonly entries: number }[] = [];
  #indices: BufferRange | undefined;
  #slots = 0;

  constructor(context: GpuContext, recorder: Recorder, kernels: KernelSet, sizes: Sizes) {
    this.#context = context;
    this.#recorder = recorder;
    this.#kernels = kernels;
    this.#nExpert = sizeOf(sizes, 'nExpert');
    this.#nUsed = sizeOf(sizes, 'nExpertUsed');
  }

  /** The chosen experts of the next chunk: (rows, nExpertUsed). Lists of the one before are over. */
  begin(indices: BufferRange, rows: number): void {
    this.#indices = indices;
    this.#slots = rows * this.#nUsed;
    this.#lists.clear();
  }

  /** Records what makes the list, unless an earlier product of the chunk asked for the same. */
  list(shape: GroupedShape): GroupedList {
    const { tile, expertWords, firstExpert, endExpert } = shape;
    const nExpert = this.#nExpert;
    const key = [tile, expertWords, firstExpert, endExpert].join();
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const entryCount = mostEntries(this.#slots, nExpert, tile);
    const list = { ...this.#room(this.#lists.size, this.#slots, entryCount), entryCount };
    this.#lists.set(key, list);
    const { entries, tokenRows, slotRows } = list;
    this.#recorder.dispatch(
      this.#kernels.groupSlots,
      {
        indices: this.#indices ?? { buffer: entries },
        entries: { buffer: entries },
        tokenRows: { buffer: tokenRows },
        slotRows: { buffer: slotRows },
      },
      { count: this.#slots, nUsed: this.#nUsed, tile, entryCount, firstExpert, endExpert, expertWords },
      [nExpert],
    );
    return list;
  }

  dispose(): void {
    for (const { list } of this.#memory) this.#release(list);
    this.#memory.length = 0;
    this.#lists.clear();
  }

  #room(index: number, slots: number, entries: number): GroupedList {
    const old = this.#memory[index];
    if (old !== undefined && old.slots >= slots && old.entries >= entries) return old.list;
    if (old !== undefined) {
      // Nothing recorded may still bind it.
      this.#recorder.submit();
      this.#release(old.list);
    }
    const room = (label: string, size: number): GPUBuffer =>
      this.#context.allocate(label, size, GPUBufferUsage.STORAGE);
    const list = {
      entries: room('entries', 16 * entries),
      tokenRows: room('token rows', 8 * slots),
      slotRows: room('slot rows', 8 * slots),
      entryCount: entries,
    };
    this.#memory[index] = { list, slots, entries };
    return list;
  }

  #release({ entries, tokenRows, slotRows }: GroupedList): void {
    for (const buffer of [entries, tokenRows, slotRows]) this.#context.release(buffer);
  }
}
