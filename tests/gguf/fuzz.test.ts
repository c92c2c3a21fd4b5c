import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { GGML_TYPES, rowBytes } from '../../src/gguf/ggml-types';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes, type TensorToWrite, type TypedValue } from '../../src/gguf/writer';
import { makeModel } from '../support/gguf-models';
import { parseBytes } from '../support/gguf-header';

/** Same failures on every machine. Far more cases, of this and other readers: tests/fuzz and `npm run fuzz`. */
const SEEDED = { seed: 20261103, numRuns: 150 };
const MUTATIONS = { seed: 20261104, numRuns: 500 };

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });

const typedValue: fc.Arbitrary<TypedValue> = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((value): TypedValue => ({ type: 'uint8', value })),
  fc.integer({ min: -32768, max: 32767 }).map((value): TypedValue => ({ type: 'int16', value })),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value): TypedValue => ({ type: 'uint32', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): TypedValue => ({ type: 'uint64', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): TypedValue => ({ type: 'int64', value })),
  fc.float().map((value): TypedValue => ({ type: 'float32', value })),
  fc.double().map((value): TypedValue => ({ type: 'float64', value })),
  fc.boolean().map((value): TypedValue => ({ type: 'bool', value })),
  fc.string({ unit: 'binary', maxLength: 200 }).map((value): TypedValue => ({ type: 'string', value })),
  fc
    .array(fc.string({ unit: 'binary', maxLength: 160 }), { maxLength: 30 })
    .map((value): TypedValue => ({ type: 'array', of: 'string', value })),
  fc.array(fc.float(), { maxLength: 30 }).map((value): TypedValue => ({ type: 'array', of: 'float32', value })),
  fc.array(fc.boolean(), { maxLength: 30 }).map((value): TypedValue => ({ type: 'array', of: 'bool', value })),
);

const tensors: fc.Arbitrary<TensorToWrite[]> = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      type: fc.constantFrom(...GGML_TYPES),
      blocks: fc.integer({ min: 1, max: 3 }),
      rest: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    }),
    { maxLength: 8, selector: (t) => t.name },
  )
  .map((list) =>
    list.map(({ name, type, blocks, rest }) => ({ name, type: type.name, dims: [blocks * type.blockSize, ...rest] })),
  );

/** What the reader should give back: 64-bit integers as numbers where exact. */
function expected(value: TypedValue): unknown {
  if (value.type === 'uint64' || value.type === 'int64') {
    return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
  }
  return value.type === 'array' ? Array.from<unknown>(value.value) : value.value;
}

describe('what is written is read back', () => {
  it('metadata and tensor entries', async () => {
    const metadata = fc.uniqueArray(fc.tuple(key, typedValue), { maxLength: 12, selector: ([k]) => k });
    await fc.assert(
      fc.asyncProperty(
        metadata,
        tensors,
        fc.constantFrom(1, 2, 8, 32, 256),
        fc.constantFrom(2, 3),
        async (entries, list, alignment, version) => {
          const named = entries.filter(([k]) => k !== 'general.alignment');
          const header = await parseBytes(ggufBytes({ metadata: named, tensors: list, alignment, version }));
          expect(header.version).toBe(version);
          for (const [k, value] of named) {
            const read = header.metadata.get(k);
            const actual = typeof read === 'object' ? Array.from<unknown>(read as ArrayLike<unknown>) : read;
            expect(actual).toEqual(expected(value));
          }
          expect(header.metadata.size).toBe(named.length + 1);
          expect(header.tensors.map((t) => [t.name, t.dims, t.type, t.bytes])).toEqual(
            list.map((t) => [
              t.name,
              t.dims,
              t.type,
              rowBytes(
                t.type,
                t.dims.reduce((a, b) => a * b, 1),
              ),
            ]),
          );
        },
      ),
      SEEDED,
    );
  });
});

describe('a damaged file is refused as such or read as another valid one', () => {
  const model = makeModel({ shape: { nLayer: 1, nVocab: 20 } });
  const small = ggufBytes({
    metadata: [
      ['a.string', { type: 'string', value: 'text' }],
      ['some.strings', { type: 'array', of: 'string', value: ['one', 'two', 'three'] }],
      ['some.numbers', { type: 'array', of: 'uint64', value: [1, 2, 3] }],
      ['nested', { type: 'array', of: 'array', value: [{ type: 'array', of: 'bool', value: [true] }] }],
      ['general.alignment', { type: 'uint32', value: 32 }],
    ],
    tensors: [
      { name: 'first', dims: [256, 2], type: 'Q6_K' },
      { name: 'second', dims: [4, 4, 4], type: 'F32' },
    ],
  });
  // Damage to tensor data cannot show: keep to the header, which is all but the data.
  const headerLength = async (bytes: Uint8Array<ArrayBuffer>): Promise<number> => (await parseBytes(bytes)).dataStart;

  /** A success must be consistent; a failure must be a TracerError about the file. */
  async function tryOpen(bytes: Uint8Array<ArrayBuffer>): Promise<'read' | 'refused'> {
    try {
      const opened = await openModel([memorySource(bytes, 'damaged.gguf')]);
      for (const tensor of opened.tensors.values())
        expect(tensor.offset + tensor.bytes).toBeLessThanOrEqual(bytes.length);
      return 'read';
    } catch (error) {
      if (!(error instanceof TracerError)) throw error;
      expect(error.code).toMatch(/^gguf-/);
      expect(error.message).toMatch(/\S/);
      return 'refused';
    }
  }

  it.each([
    ['small', small],
    ['model', model],
  ])('%s: bytes changed', async (_name, bytes) => {
    const length = await headerLength(bytes);
    const outcomes = { read: 0, refused: 0 };
    const change = fc.record({ at: fc.nat({ max: length - 1 }), value: fc.constantFrom(0, 1, 2, 9, 127, 128, 255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = bytes.slice();
        for (const { at, value } of changes) damaged[at] = value;
        outcomes[await tryOpen(damaged)]++;
      }),
      MUTATIONS,
    );
    // Neither outcome is rare: the mutations are neither harmless nor hopeless.
    expect(outcomes.read).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(100);
  });

  it('cut anywhere in its header, it is refused', async () => {
    const length = await headerLength(small);
    for (let end = 0; end < length; end++) expect(await tryOpen(small.slice(0, end))).toBe('refused');
  });

  it('cut anywhere in its data, it is refused', async () => {
    // Up to the end of the last tensor; the padding after it may be missing.
    const { tensors: list, dataStart } = await parseBytes(small);
    const last = Math.max(...list.map((t) => dataStart + t.relativeOffset + t.bytes));
    for (let end = dataStart; end < last; end++) expect(await tryOpen(small.slice(0, end))).toBe('refused');
    expect(await tryOpen(small.slice(0, last))).toBe('read');
  });

  it('with bytes put in or taken out', async () => {
    const length = await headerLength(small);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: length }),
        fc.nat({ max: 16 }),
        fc.uint8Array({ maxLength: 16 }),
        async (at, removed, inserted) => {
          const damaged = new Uint8Array(small.length - removed + inserted.length);
          damaged.set(small.subarray(0, at));
          damaged.set(inserted, at);
          damaged.set(
            small.subarray(at + removed).subarray(0, damaged.length - at - inserted.length),
            at + inserted.length,
          );
          await tryOpen(damaged);
        },
      ),
      MUTATIONS,
    );
  });

  it('of random bytes after a good magic', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
        const bytes = new Uint8Array(8 + noise.length);
        bytes.set(small.subarray(0, 8));
        bytes.set(noise, 8);
        await tryOpen(bytes);
      }),
      SEEDED,
    );
  });
});
