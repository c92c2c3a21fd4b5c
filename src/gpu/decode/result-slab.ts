/** Results that share memory. */
const TOGETHER = 16;
/** Most bytes of results that share memory: who keeps one of them keeps them all. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Memory for what comes back of one token after another: one allocation for several of them. One for each would take the CPU 3 % of a
 * token's time on an H100 when MoeRouter and MoeFfnOut are captured, most of it in collecting garbage.
 */
export class ResultSlab {
  #free = new Uint32Array(0);

  /** A copy of the words of a mapped range, the caller's for good. */
  copyOf(range: ArrayBuffer): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(range);
    const { length } = words;
    if (this.#free.length < length) {
      const most = Math.floor(MOST_BYTES / Uint32Array.BYTES_PER_ELEMENT);
      this.#free = new Uint32Array(Math.max(length, Math.min(TOGETHER * length, most)));
    }
    const copy = this.#free.subarray(0, length);
    this.#free = this.#free.subarray(length);
    copy.set(words);
    return copy;
  }
}

/** Memory for one result at a time: a copy lasts until the next one. */
export class LentResult {
  #words = new Uint32Array(0);

  copyOf(range: ArrayBuffer): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(range);
    if (this.#words.length < words.length) this.#words = new Uint32Array(words.length);
    const copy = this.#words.subarray(0, words.length);
    copy.set(words);
    return copy;
  }
}
