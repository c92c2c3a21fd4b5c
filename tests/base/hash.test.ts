import { describe, expect, it } from 'vitest';
import { hashWords } from '../../src/base/hash';
import { seededRandom } from '../../src/base/random';

describe('hashWords', () => {
  it('is the same for the same words and differs with any single bit', () => {
    const random = seededRandom(4);
    const words = Uint32Array.from({ length: 33 }, () => random.uint32());
    const first = hashWords(words);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(hashWords(words.slice())).toBe(first);
    const seen = new Set([first]);
    for (let i = 0; i < words.length; i++) {
      for (let bit = 0; bit < 32; bit++) {
        const other = words.slice();
        other[i]! ^= 1 << bit;
        seen.add(hashWords(other));
      }
    }
    expect(seen.size).toBe(1 + 33 * 32);
  });

  it('tells order and length', () => {
    const hashes = [[], [0], [0, 0], [1, 2], [2, 1]].map((words) => hashWords(Uint32Array.from(words)));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('agrees with MurmurHash3_x86_32 in its first half', () => {
    // Reference value of the words' little-endian bytes with seed 0x9747b28c: "aaaa" gives 5A97808A.
    expect(hashWords(Uint32Array.of(0x61616161)).slice(0, 8)).toBe('5a97808a');
  });
});
