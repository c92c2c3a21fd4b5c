import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { checksum, opfsStore } from '../../src/cache/opfs-store';
import { memoryFile } from '../support/memory-file';

const PLENTY = 1e9;

function bytesOf(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

describe('opfsStore', () => {
  it('gives back what was kept, whole and in parts, in another visit too', () => {
    const [data, index] = [memoryFile(), memoryFile()];
    const content = bytesOf(1000, 1);
    const store = opfsStore(data, index, PLENTY);
    for (const [from, to] of [
      [600, 700],
      [0, 100],
      [100, 250],
    ] as const) {
      store.write(from, content.subarray(from, to));
    }
    for (const visit of [store, opfsStore(data, index, PLENTY)]) {
      expect(visit.bytes).toBe(350);
      expect(visit.kept({ offset: 50, length: 600 })).toEqual([
        { offset: 50, length: 50 },
        { offset: 100, length: 150 },
        { offset: 600, length: 50 },
      ]);
      const into = new Uint8Array(200);
      expect(visit.read(50, into)).toBe(true);
      expect(into).toEqual(content.slice(50, 250));
      expect(visit.kept({ offset: 250, length: 350 })).toEqual([]);
    }
  });

  it('drops a range that was damaged between two visits, and keeps the others', () => {
    const [data, index] = [memoryFile(), memoryFile()];
    const content = bytesOf(300, 2);
    const first = opfsStore(data, index, PLENTY);
    first.write(0, content.subarray(0, 100));
    first.write(100, content.subarray(100, 200));
    data.write(Uint8Array.of((content[150] ?? 0) ^ 4), { at: 150 });
    const second = opfsStore(data, index, PLENTY);
    expect(second.read(100, new Uint8Array(10))).toBe(false);
    expect(second.kept({ offset: 0, length: 200 })).toEqual([{ offset: 0, length: 100 }]);
    expect(second.read(0, new Uint8Array(10))).toBe(true);
    second.write(100, content.subarray(100, 200));
    const third = opfsStore(data, index, PLENTY);
    const into = new Uint8Array(200);
    expect(third.read(0, into)).toBe(true);
    expect(into).toEqual(content.slice(0, 200));
  });

  it('takes no notice of an index that was cut off, or names bytes that are not there', () => {
    const [data, index] = [memoryFile(), memoryFile()];
    const store = opfsStore(data, index, PLENTY);
    for (let i = 0; i < 4; i++) store.write(10 * i, bytesOf(10, i));
    index.truncate(3 * 32 + 7);
    data.truncate(25);
    expect(opfsStore(data, index, PLENTY).kept({ offset: 0, length: 40 })).toEqual([
      { offset: 0, length: 10 },
      { offset: 10, length: 10 },
    ]);
  });

  it('stops at its limit and when the browser grants no more, and keeps what it has', () => {
    const limited = opfsStore(memoryFile(), memoryFile(), 25);
    limited.write(0, bytesOf(20, 1));
    limited.write(20, bytesOf(10, 2));
    expect([limited.full, limited.bytes]).toEqual(['limit', 20]);

    const data = memoryFile(25);
    const short = opfsStore(data, memoryFile(), PLENTY);
    short.write(0, bytesOf(20, 1));
    short.write(20, bytesOf(10, 2));
    expect([short.full, short.bytes, data.getSize()]).toEqual(['quota', 20, 20]);
    expect(short.read(0, new Uint8Array(20))).toBe(true);
  });

  it('keeps nothing and has nothing once it is closed', () => {
    const store = opfsStore(memoryFile(), memoryFile(), PLENTY);
    store.write(0, bytesOf(20, 1));
    store.close();
    store.close();
    store.write(20, bytesOf(20, 1));
    expect(store.kept({ offset: 0, length: 40 })).toEqual([]);
    expect(store.read(0, new Uint8Array(20))).toBe(false);
  });
});

describe('checksum', () => {
  it('changes with any bit and with the order of words', () => {
    const bytes = bytesOf(103, 7);
    const sums = new Set([checksum(bytes)]);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      sums.add(checksum(other));
    }
    expect(sums.size).toBe(1 + 8 * bytes.length);
    const turned = Uint8Array.from([...bytes.subarray(4, 8), ...bytes.subarray(0, 4), ...bytes.subarray(8)]);
    expect(sums.has(checksum(turned))).toBe(false);
    expect(checksum(bytes.subarray(1))).toBe(checksum(bytes.slice(1)));
  });
});
