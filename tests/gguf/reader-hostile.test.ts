import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/gguf/byte-source';
import { GGUF_LIMITS } from '../../src/gguf/limits';
import { memorySource } from '../../src/gguf/memory-source';
import { parseHeader } from '../../src/gguf/reader';
import { tracerErrorOf } from '../support/errors';
import { array, entry, parseBytes, rawGguf } from '../support/gguf-header';
import { HOSTILE_MAGIC, HOSTILE_METADATA, HOSTILE_TENSORS } from './hostile-headers';

/** These headers are small: whatever they claim, the answer comes at once. Milliseconds; normally below 1. */
const QUICK_MS = 500;

describe.each([
  ['magic and version', HOSTILE_MAGIC],
  ['metadata', HOSTILE_METADATA],
  ['tensors', HOSTILE_TENSORS],
])('%s', (_group, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, { bytes, code, says }) => {
    const started = performance.now();
    const error = await tracerErrorOf(() => parseBytes(bytes));
    expect(performance.now() - started).toBeLessThan(QUICK_MS);
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
    expect(error.message).toContain('test.gguf');
    expect(error.remedy).not.toBe('');
  });
});

describe('a file that claims to be large', () => {
  /** `start`, then zeros up to `size`; counts what it serves. */
  function hugeSource(start: Uint8Array<ArrayBuffer>, size: number): { source: ByteSource; served: () => number } {
    let served = 0;
    const source: ByteSource = {
      ...memorySource(start, 'test.gguf'),
      size,
      read: (offset, length) => {
        served += length;
        const bytes = new Uint8Array(length);
        const at = Math.min(offset, start.length);
        bytes.set(start.subarray(at, Math.min(offset + length, start.length)));
        return Promise.resolve(bytes);
      },
    };
    return { source, served: () => served };
  }

  it('is not read beyond the header limit', async () => {
    const most = GGUF_LIMITS.headerBytes / 8;
    const arrays = Array.from({ length: Math.ceil(most / GGUF_LIMITS.arrayElements) + 1 }, (_, i) =>
      entry(`key${i}`, 'array', array('float64', GGUF_LIMITS.arrayElements)),
    );
    const { source, served } = hugeSource(rawGguf({ entries: arrays.slice(0, 1), nEntries: arrays.length }), 2 ** 40);
    const error = await tracerErrorOf(() => parseHeader(source));
    // After the first array come zeros: an empty key.
    expect(error.code).toBe('gguf-malformed');
    expect(served()).toBeLessThanOrEqual(GGUF_LIMITS.headerBytes);
  });

  it('of one string array of zeros is parsed within seconds', async () => {
    const start = rawGguf({ entries: [entry('key', 'array', array('string', GGUF_LIMITS.arrayElements))] });
    const { source, served } = hugeSource(start, 2 ** 40);
    const started = performance.now();
    const { metadata } = await parseHeader(source);
    expect(metadata.get('key')).toHaveLength(GGUF_LIMITS.arrayElements);
    expect(served()).toBeLessThanOrEqual(GGUF_LIMITS.headerBytes);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('is refused where the header would pass the limit, before more is read', async () => {
    const value = new Uint8Array(GGUF_LIMITS.stringBytes);
    const count = GGUF_LIMITS.headerBytes / GGUF_LIMITS.stringBytes;
    const file = rawGguf({
      entries: Array.from({ length: count }, (_, i) =>
        entry(`key${i}`, 'string', (out) => {
          out.u64(value.length);
          out.bytes(value);
        }),
      ),
    });
    const { source, served } = hugeSource(file, 2 ** 40);
    const error = await tracerErrorOf(() => parseHeader(source));
    expect(error.code).toBe('gguf-limit');
    expect(error.message).toContain('headerBytes');
    expect(served()).toBeLessThanOrEqual(GGUF_LIMITS.headerBytes);
  });
});
