import { orCancelled, throwIfAborted } from '../base/abort';
import type { ByteSource } from '../gguf/byte-source';
import { checkRange } from '../gguf/range';
import type { RangeStore } from './range-store';
import { missingOf, overlap, type ByteRange } from './byte-ranges';

/** A pending range request, shared by its waiters; one waiter's abort does not cancel it. */
interface Fetch extends ByteRange {
  readonly settled: Promise<void>;
  /** How many reads wait for it; with none left it is stopped. */
  readers: number;
  readonly abort: AbortController;
}

/** Tries after which a read that keeps finding damaged or dropped bytes fetches them all for itself. */
const MAX_ROUNDS = 8;

/**
 * A source that keeps what it reads in `store`, and never fetches what is kept or already on its way: two engines that need the same expert
 * at the same time cost one request. Owns source and store.
 */
export function sharedSource(source: ByteSource, store: RangeStore): ByteSource {
  const underWay = new Set<Fetch>();
  /** What a fetch brought, for the reads that wait for it: the store may have had no room. */
  const fresh = new WeakMap<Fetch, Uint8Array>();

  const start = (stretch: ByteRange): Fetch => {
    const abort = new AbortController();
    const settled = source.read(stretch.offset, stretch.length, abort.signal).then((bytes) => {
      store.write(stretch.offset, bytes);
      fresh.set(fetch, bytes);
    });
    const fetch: Fetch = { ...stretch, settled, readers: 0, abort };
    const done = (): void => {
      underWay.delete(fetch);
    };
    settled.then(done, done);
    underWay.add(fetch);
    return fetch;
  };
  const waitFor = async (fetch: Fetch, signal: AbortSignal | undefined): Promise<void> => {
    fetch.readers++;
    try {
      await orCancelled(fetch.settled, signal);
    } finally {
      if (--fetch.readers === 0) fetch.abort.abort();
    }
  };

  return {
    name: source.name,
    size: source.size,
    descriptor: source.descriptor,
    async read(offset, length, signal) {
      const out = new Uint8Array(length);
      const wanted = { offset, length };
      checkRange(source.name, source.size, offset, length);
      /** Ranges of `out` that are filled. */
      const filled: ByteRange[] = [];
      for (let round = 0; round < MAX_ROUNDS; round++) {
        throwIfAborted(signal);
        for (const gap of missingOf(wanted, inOrder(filled))) {
          for (const part of store.kept(gap)) {
            const at = part.offset - offset;
            if (store.read(part.offset, out.subarray(at, at + part.length))) filled.push(part);
          }
        }
        const missing = missingOf(wanted, inOrder(filled));
        if (missing.length === 0) return out;
        const others = [...underWay].filter((fetch) => missing.some((gap) => overlap(gap, fetch)));
        const own = missing.flatMap((gap) => missingOf(gap, inOrder(others))).map(start);
        const waits = await Promise.allSettled([...others, ...own].map((fetch) => waitFor(fetch, signal)));
        for (const [i, fetch] of [...others, ...own].entries()) {
          const wait = waits[i];
          // A fetch that another read began may fail for that read's reasons; one's own failure is one's own.
          if (wait?.status === 'rejected' && i >= others.length) throw wait.reason;
          const bytes = fresh.get(fetch);
          if (bytes !== undefined) filled.push(...copyInto(out, offset, missing, fetch, bytes));
        }
      }
      return source.read(offset, length, signal);
    },
    async close() {
      for (const fetch of underWay) fetch.abort.abort();
      store.close();
      await source.close();
    },
  };
}

/** Copies what `fetch` brought for the gaps of a read that starts at `offset`; says what is filled now. */
function copyInto(
  out: Uint8Array,
  offset: number,
  gaps: readonly ByteRange[],
  fetch: ByteRange,
  bytes: Uint8Array,
): readonly ByteRange[] {
  return gaps.flatMap((gap) => {
    const start = Math.max(gap.offset, fetch.offset);
    const end = Math.min(gap.offset + gap.length, fetch.offset + fetch.length);
    if (end <= start) return [];
    out.set(bytes.subarray(start - fetch.offset, end - fetch.offset), start - offset);
    return [{ offset: start, length: end - start }];
  });
}

function inOrder<T extends ByteRange>(stretches: readonly T[]): readonly T[] {
  return [...stretches].sort((a, b) => a.offset - b.offset);
}
