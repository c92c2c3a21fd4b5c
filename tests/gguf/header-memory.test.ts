import { describe, expect, it } from 'vitest';
// First: it counts buffers, and must be there before others keep a constructor.
import { measured } from '../../verification/fuzz/meter';
import type { ByteSource } from '../../src/gguf/byte-source';
import { FIRST_READ_BYTES } from '../../src/gguf/limits';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes, type TypedValue } from '../../src/gguf/writer';

/** Every type, at every address: names of growing length move what follows by a byte each. */
const ARRAYS: readonly TypedValue[] = [
  { type: 'array', of: 'uint8', value: [0, 1, 255] },
  { type: 'array', of: 'int8', value: [-128, 127, -1] },
  { type: 'array', of: 'uint16', value: [0, 65535, 256] },
  { type: 'array', of: 'int16', value: [-32768, 32767, -2] },
  { type: 'array', of: 'uint32', value: [0, 4294967295, 65536] },
  { type: 'array', of: 'int32', value: [-2147483648, 2147483647, -3] },
  { type: 'array', of: 'float32', value: [0.5, -0, Infinity] },
  { type: 'array', of: 'float64', value: [0.1, Number.MAX_VALUE, -Infinity] },
  { type: 'array', of: 'uint64', value: [0n, 2n ** 64n - 1n, 1n] },
  { type: 'array', of: 'int64', value: [-(2n ** 63n), 2n ** 63n - 1n, -1n] },
];
const NESTED: TypedValue = { type: 'array', of: 'array', value: ARRAYS.filter((value) => value.type === 'array') };
const METADATA = Array.from({ length: 8 }, (_, i) =>
  [...ARRAYS, NESTED].map((value, k) => [`${'k'.repeat(i + 1)}${k}`, value] as const),
).flat();

function elementsOf(value: unknown): unknown {
  if (!ArrayBuffer.isView(value) && !Array.isArray(value)) return value;
  return Array.from(value as unknown as ArrayLike<unknown>, elementsOf);
}

/** What was written, as it should come back. */
const EXPECTED = new Map(
  METADATA.map(([key, value]) => [key, key.endsWith('10') ? ARRAYS.map((of) => of.value) : value.value]),
);

function counting(bytes: Uint8Array<ArrayBuffer>): { readonly source: ByteSource; readonly reads: [number, number][] } {
  const inner = memorySource(bytes, 'test.gguf');
  const reads: [number, number][] = [];
  return {
    reads,
    source: {
      ...inner,
      read: (offset, length, signal) => {
        reads.push([offset, length]);
        return inner.read(offset, length, signal);
      },
    },
  };
}

describe('memory of a header', () => {
  it('is its own where the file is nothing else: numbers are read where they lie', async () => {
    const bytes = ggufBytes({ metadata: METADATA, tensors: [] });
    const { value: model, cost } = await measured(() => openModel([memorySource(bytes)]));
    expect(cost.buffers).toBe(bytes.length);
    expect(new Map([...model.metadata].map(([key, value]) => [key, elementsOf(value)]))).toEqual(EXPECTED);
  });

  it('is given back where the file is large: numbers get memory of their own', async () => {
    const header = ggufBytes({ metadata: METADATA, tensors: [{ name: 't', dims: [2 ** 19], type: 'F32' }] });
    const file = new Uint8Array(header.length + 2 ** 21);
    file.set(header);
    const { value: model, cost } = await measured(() => openModel([memorySource(file)]));
    expect(new Map([...model.metadata].map(([key, value]) => [key, elementsOf(value)]))).toEqual(EXPECTED);
    const arrays = [...model.metadata.values()].filter((value) => ArrayBuffer.isView(value));
    expect(arrays).toHaveLength(8 * ARRAYS.length);
    for (const { buffer, byteLength } of arrays) expect(buffer.byteLength).toBe(byteLength);
    expect(cost.buffers).toBeLessThan(FIRST_READ_BYTES + header.length);
  });

  it('is never there twice where the file is little more: the first read goes before all is read', async () => {
    const scores = { type: 'array', of: 'float32', value: Array.from({ length: 500_000 }, (_, i) => i) } as const;
    const bytes = ggufBytes({ metadata: [...METADATA, ['scores', scores]], tensors: [] });
    const { source, reads } = counting(bytes);
    const { value: model, cost } = await measured(() => openModel([source]));
    expect(reads).toEqual([
      [0, FIRST_READ_BYTES],
      [0, bytes.length],
    ]);
    expect(cost.buffers).toBe(FIRST_READ_BYTES + bytes.length);
    expect(model.bytesRead).toBe(FIRST_READ_BYTES + bytes.length);
    expect(elementsOf(model.metadata.get('scores'))).toEqual(scores.value);
  });
});
