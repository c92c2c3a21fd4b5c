import { describe, expect, it } from 'vitest';
import { fail } from '../../src/base/errors';
import { seededRandom } from '../../src/base/random';
import { memoryStore } from '../../src/cache/memory-store';
import { opfsStore } from '../../src/cache/opfs-store';
import type { RangeStore } from '../../src/cache/range-store';
import { sharedSource } from '../../src/cache/shared-source';
import type { ByteSource } from '../../src/gguf/byte-source';
import { memorySource } from '../../src/gguf/memory-source';
import { memoryFile } from '../support/memory-file';

const CONTENT = Uint8Array.from({ length: 4096 }, (_, i) => (i * 31 + (i >> 5)) & 255);

const STORES: readonly (readonly [string, () => RangeStore])[] = [
  ['memory', () => memoryStore(1e6)],
  ['memory that holds little', () => memoryStore(300)],
  ['memory that holds nothing', () => memoryStore(0)],
  ['files', () => opfsStore(memoryFile(), memoryFile(), 1e6)],
  ['files without room', () => opfsStore(memoryFile(), memoryFile(), 0)],
];

/** A source that answers some tasks later and notes what it was asked. */
function slowSource(): ByteSource & { readonly asked: [number, number][]; aborted: number; broken: boolean } {
  const source = memorySource(CONTENT, 'remote.gguf');
  return {
    ...source,
    asked: [],
    aborted: 0,
    broken: false,
    async read(offset, length, signal) {
      this.asked.push([offset, length]);
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted === true) {
          this.aborted++;
          throw fail('run-cancelled', 'Stopped.', 'Go on.');
        }
      }
      if (this.broken) throw fail('source-changed', 'It changed.', 'Open it again.');
      return source.read(offset, length);
    },
  };
}

describe.each(STORES)('over %s', (_name, makeStore) => {
  it('gives the bytes of the source for any mix of ranges at once', async () => {
    const source = slowSource();
    const shared = sharedSource(source, makeStore());
    const random = seededRandom(3);
    for (let round = 0; round < 30; round++) {
      const ranges = Array.from({ length: 4 }, () => {
        const offset = random.below(CONTENT.length);
        return [offset, random.below(Math.min(600, CONTENT.length - offset + 1))] as const;
      });
      const reads = await Promise.all(ranges.map(([offset, length]) => shared.read(offset, length)));
      for (const [i, [offset, length]] of ranges.entries()) {
        expect(reads[i]).toEqual(CONTENT.slice(offset, offset + length));
      }
    }
    await shared.close();
  });

  it('fetches once what two ask for at the same time', async () => {
    const source = slowSource();
    const shared = sharedSource(source, makeStore());
    const [a, b] = await Promise.all([shared.read(0, 200), shared.read(100, 150)]);
    expect(a).toEqual(CONTENT.slice(0, 200));
    expect(b).toEqual(CONTENT.slice(100, 250));
    expect(source.asked).toEqual([
      [0, 200],
      [200, 50],
    ]);
  });

  it('goes on for one reader when the other gives up, and stops when both do', async () => {
    const source = slowSource();
    const shared = sharedSource(source, makeStore());
    const [one, two] = [new AbortController(), new AbortController()];
    const first = shared.read(0, 64, one.signal);
    const second = shared.read(0, 64, two.signal);
    one.abort();
    await expect(first).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(await second).toEqual(CONTENT.slice(0, 64));
    const third = shared.read(512, 64, two.signal);
    two.abort();
    await expect(third).rejects.toMatchObject({ code: 'run-cancelled' });
    for (let i = 0; i < 9; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(source.aborted).toBe(1);
    expect(await shared.read(512, 64)).toEqual(CONTENT.slice(512, 576));
  });

  it('hands on what went wrong, and tries again next time', async () => {
    const source = slowSource();
    const shared = sharedSource(source, makeStore());
    source.broken = true;
    const reads = await Promise.allSettled([shared.read(0, 64), shared.read(32, 64)]);
    for (const read of reads) expect(read).toMatchObject({ status: 'rejected', reason: { code: 'source-changed' } });
    source.broken = false;
    expect(await shared.read(0, 96)).toEqual(CONTENT.slice(0, 96));
    await expect(shared.read(4090, 10)).rejects.toMatchObject({ code: 'source-read' });
  });
});

it('does not fetch again what is kept', async () => {
  for (const store of [memoryStore(1000), opfsStore(memoryFile(), memoryFile(), 1000)]) {
    const source = slowSource();
    const shared = sharedSource(source, store);
    await shared.read(100, 200);
    expect(await shared.read(150, 100)).toEqual(CONTENT.slice(150, 250));
    expect(await shared.read(50, 300)).toEqual(CONTENT.slice(50, 350));
    expect(source.asked).toEqual([
      [100, 200],
      [50, 50],
      [300, 50],
    ]);
  }
});

it('fetches what turned out to be damaged', async () => {
  const [data, index] = [memoryFile(), memoryFile()];
  await sharedSource(slowSource(), opfsStore(data, index, 1000)).read(0, 100);
  data.write(Uint8Array.of(255, 255, 255), { at: 50 });
  const source = slowSource();
  expect(await sharedSource(source, opfsStore(data, index, 1000)).read(20, 50)).toEqual(CONTENT.slice(20, 70));
  expect(source.asked).toEqual([[20, 50]]);
});

it('drops the oldest ranges of memory first, and keeps those used again', () => {
  const store = memoryStore(300);
  for (const offset of [0, 100, 200]) store.write(offset, CONTENT.subarray(offset, offset + 100));
  store.read(0, new Uint8Array(10));
  store.write(300, CONTENT.subarray(300, 400));
  expect(store.kept({ offset: 0, length: 400 }).map((part) => part.offset)).toEqual([0, 200, 300]);
});
