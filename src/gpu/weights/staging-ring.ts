import { BINDING_ALIGNMENT } from '../arena';
import type { GpuContext } from '../device';

/** Room in mapped memory for bytes of the file. One of {@link StagedRoom.arrived} and {@link StagedRoom.failed} ends it. */
export interface StagedRoom {
  /** Where they are to be put. Memory of the GPU's: it is gone once they have arrived. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes are there. Resolves when what copies them was submitted. @throws what `copy` threw */
  arrived(copy: StagedCopy): Promise<void>;
  /** They will not come: nothing writes to `bytes` any more. */
  failed(): void;
}

/** Records what copies from a staging buffer; the bytes begin at `offset`, a multiple of 256. */
export type StagedCopy = (buffer: GPUBuffer, offset: number) => void;

/** A mapped buffer that several reads share. */
interface Staging {
  readonly buffer: GPUBuffer;
  readonly memory: ArrayBuffer;
  used: number;
  /** Rooms in it that have not ended. */
  open: number;
  /** No more rooms are given in it. */
  full: boolean;
  readonly copies: { readonly run: () => void; readonly settle: (error?: unknown) => void }[];
}

/**
 * A few mappable buffers that files are read into, used again as soon as the GPU has copied from them. Reads that are under way together share a buffer
 * and are submitted together: matrices of experts are small, and a submit takes as long as a read of one.
 */
export class StagingRing {
  readonly #context: GpuContext;
  readonly #most: number;
  readonly #bytes: number;
  readonly #submit: () => void;
  readonly #buffers = new Set<GPUBuffer>();
  /** Buffers that are mapped, or will be once the GPU has read them; the one that is ready first comes first. */
  readonly #mapped: Promise<GPUBuffer>[] = [];
  #current: Staging | undefined;
  /** The callers that wait for a buffer to be submitted. */
  #wake: (() => void) | undefined;
  /** Rooms are given in turn. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param bytes of a buffer; one that has to hold more is larger
   * @param submit submits what copies recorded
   */
  constructor(
    context: GpuContext,
    { most, bytes }: { readonly most: number; readonly bytes: number },
    submit: () => void,
  ) {
    this.#context = context;
    this.#most = most;
    this.#bytes = bytes;
    this.#submit = submit;
  }

  /** Room for so many bytes, once there is some. @throws when the device is lost */
  async room(bytes: number): Promise<StagedRoom> {
    const turn = this.#turn.then(() => this.#give(bytes));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** When no buffer is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#turn, ...this.#mapped]);
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#context.release(buffer);
    this.#buffers.clear();
    this.#current = undefined;
  }

  async #give(bytes: number): Promise<StagedRoom> {
    const size = BINDING_ALIGNMENT * Math.ceil(bytes / BINDING_ALIGNMENT);
    const before = this.#current;
    if (before !== undefined && before.used + size > before.memory.byteLength) {
      before.full = true;
      this.#current = undefined;
      this.#depart(before);
    }
    const staging = (this.#current ??= await this.#open(size));
    const offset = staging.used;
    staging.used += size;
    staging.open++;
    const end = (): void => {
      staging.open--;
      this.#depart(staging);
    };
    return {
      bytes: new Uint8Array(staging.memory, offset, bytes),
      arrived: (copy) =>
        new Promise((resolve, reject) => {
          const run = (): void => {
            copy(staging.buffer, offset);
          };
          const settle = (error?: unknown): void => {
            if (error === undefined) resolve();
            else reject(error instanceof Error ? error : new Error(String(error)));
          };
          staging.copies.push({ run, settle });
          end();
        }),
      failed: end,
    };
  }

  async #open(size: number): Promise<Staging> {
    const buffer = await this.#take(size);
    return { buffer, memory: buffer.getMappedRange(), used: 0, open: 0, full: false, copies: [] };
  }

  /** Submits what lies in a buffer, when nothing more is on its way into it. */
  #depart(staging: Staging): void {
    if (staging.open > 0) return;
    const { buffer, copies } = staging;
    if (copies.length === 0 && !staging.full) {
      // Nothing came: the room is there for others.
      staging.used = 0;
      return;
    }
    if (this.#current === staging) this.#current = undefined;
    buffer.unmap();
    let error: unknown;
    try {
      for (const { run } of copies) run();
      if (copies.length > 0) this.#submit();
    } catch (thrown) {
      error = thrown;
    }
    for (const { settle } of copies) settle(error);
    const again = buffer.mapAsync(GPUMapMode.WRITE).then(() => buffer);
    again.catch(() => undefined);
    this.#mapped.push(again);
    this.#wake?.();
  }

  /** A mapped buffer of at least `size` bytes. */
  async #take(size: number): Promise<GPUBuffer> {
    if (this.#buffers.size >= this.#most) {
      if (this.#mapped.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
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
