/**
 * A 64-bit fingerprint of 32-bit words, 16 hexadecimal digits: two MurmurHash3_x86_32 (Austin Appleby) with different seeds. Tells whether bits
 * changed; it is no signature.
 */
export function hashWords(words: Uint32Array): string {
  let h1 = 0x9747b28c;
  let h2 = 0x3c6ef372;
  for (const word of words) {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h1 ^= k;
    h1 = (Math.imul((h1 << 13) | (h1 >>> 19), 5) + 0xe6546b64) | 0;
    h2 ^= k;
    h2 = (Math.imul((h2 << 13) | (h2 >>> 19), 5) + 0xe6546b64) | 0;
  }
  return [h1, h2].map((h) => (mixed(h ^ (4 * words.length)) >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The finaliser: every bit of the state reaches every bit of the result. */
function mixed(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}
