/** Memory is cut in steps of so many bytes, so that pieces of nearly the same size share it. */
const STEP_BYTES = 256 * 1024;
/** Pieces that are kept for the next who asks. */
const MOST_KEPT = 6;

/**
 * Memory for reads, used again once it is given back. Array buffers that are made and dropped by the gigabyte make V8 collect garbage again and
 * again, and every page of new memory costs the system a fault.
 */
export class RecycledBytes {
  readonly #kept: ArrayBuffer[] = [];

  /** So many bytes, with whatever was in them before. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const fitting = this.#kept.findIndex((buffer) => buffer.byteLength >= length);
    const [found] = fitting < 0 ? [] : this.#kept.splice(fitting, 1);
    return new Uint8Array(found ?? new ArrayBuffer(STEP_BYTES * Math.ceil(length / STEP_BYTES)), 0, length);
  }

  /** Takes memory back that nobody reads any more; of others than {@link take} as well. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteOffset !== 0 || bytes.buffer.byteLength < STEP_BYTES || this.#kept.includes(bytes.buffer)) return;
    this.#kept.unshift(bytes.buffer);
    if (this.#kept.length > MOST_KEPT) this.#kept.pop();
  }
}
