/**
 * A 64-bit fingerprint of 32-bit words, 16 hexadecimal digits: two MurmurHash3_x86_32 (Austin Appleby) with different seeds. Tells whether bits
 * changed; it is no signature.
 */
export function hashWords(words: Uint32Array): string {
  const hash = new WordHash();
  hash.add(words);
  return hash.digest();
}

/** {@link hashWords} of words that come piece by piece. */
export class WordHash {
  #h1 = 0x9747b28c;
  #h2 = 0x3c6ef372;
  #bytes = 0;

  add(words: Uint32Array): void {
    let h1 = this.#h1;
    let h2 = this.#h2;
    for (const word of words) {
      let k = Math.imul(word, 0xcc9e2d51);
      k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
      h1 ^= k;
      h1 = (Math.imul((h1 << 13) | (h1 >>> 19), 5) + 0xe6546b64) | 0;
      h2 ^= k;
      h2 = (Math.imul((h2 << 13) | (h2 >>> 19), 5) + 0xe6546b64) | 0;
    }
    this.#h1 = h1;
    this.#h2 = h2;
    this.#bytes += 4 * words.length;
  }

  digest(): string {
    return [this.#h1, this.#h2].map((h) => (mixed(h ^ this.#bytes) >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** The finaliser: every bit of the state reaches every bit of the result. */
function mixed(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}
