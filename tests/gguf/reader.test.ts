import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/gguf/byte-source';
import { FIRST_READ_BYTES } from '../../src/gguf/limits';
import { memorySource } from '../../src/gguf/memory-source';
import type { GgufValue } from '../../src/gguf/model-file';
import { parseHeader } from '../../src/gguf/reader';
import { ggufBytes, layoutGguf, type TypedValue } from '../../src/gguf/writer';
import { codeOf } from '../support/errors';
import { array, entry, parseBytes, rawGguf, tensor } from '../support/gguf-header';

/** Counts what is read. */
function counting(source: ByteSource): { readonly source: ByteSource; readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    reads,
    source: {
      ...source,
      read: (offset, length, signal) => {
        reads.push([offset, length]);
        return source.read(offset, length, signal);
      },
    },
  };
}

async function roundTrip(value: TypedValue): Promise<GgufValue | undefined> {
  const { metadata } = await parseBytes(ggufBytes({ metadata: [['key', value]], tensors: [] }));
  return metadata.get('key');
}

describe('values', () => {
  const pairs: readonly (readonly [TypedValue, GgufValue])[] = [
    [{ type: 'uint8', value: 255 }, 255],
    [{ type: 'int8', value: -128 }, -128],
    [{ type: 'uint16', value: 65535 }, 65535],
    [{ type: 'int16', value: -32768 }, -32768],
    [{ type: 'uint32', value: 4294967295 }, 4294967295],
    [{ type: 'int32', value: -2147483648 }, -2147483648],
    [{ type: 'float32', value: 0.1 }, Math.fround(0.1)],
    [{ type: 'float32', value: NaN }, NaN],
    [{ type: 'float64', value: -0 }, -0],
    [{ type: 'float64', value: Infinity }, Infinity],
    [{ type: 'bool', value: true }, true],
    [{ type: 'bool', value: false }, false],
    [{ type: 'string', value: '' }, ''],
    [{ type: 'string', value: 'a\0b\uFEFF é 漢字 🤖' }, 'a\0b\uFEFF é 漢字 🤖'],
    [{ type: 'string', value: '\uFEFFmark first' }, '\uFEFFmark first'],
    [{ type: 'uint64', value: 2 ** 53 - 1 }, 2 ** 53 - 1],
    [{ type: 'uint64', value: 2n ** 53n }, 2n ** 53n],
    [{ type: 'uint64', value: 2n ** 64n - 1n }, 2n ** 64n - 1n],
    [{ type: 'int64', value: -(2 ** 53) + 1 }, -(2 ** 53) + 1],
    [{ type: 'int64', value: -(2n ** 63n) }, -(2n ** 63n)],
    [{ type: 'array', of: 'uint8', value: [1, 255] }, Uint8Array.of(1, 255)],
    [{ type: 'array', of: 'int8', value: [-1, 127] }, Int8Array.of(-1, 127)],
    [{ type: 'array', of: 'uint16', value: [65535] }, Uint16Array.of(65535)],
    [{ type: 'array', of: 'int16', value: [-2] }, Int16Array.of(-2)],
    [{ type: 'array', of: 'uint32', value: [4294967295] }, Uint32Array.of(4294967295)],
    [{ type: 'array', of: 'int32', value: [1, -1] }, Int32Array.of(1, -1)],
    [{ type: 'array', of: 'float32', value: [0.5, NaN] }, Float32Array.of(0.5, NaN)],
    [{ type: 'array', of: 'float64', value: [0.1] }, Float64Array.of(0.1)],
    [{ type: 'array', of: 'uint64', value: [2n ** 63n] }, BigUint64Array.of(2n ** 63n)],
    [{ type: 'array', of: 'int64', value: [-1n] }, BigInt64Array.of(-1n)],
    [{ type: 'array', of: 'bool', value: [true, false] }, [true, false]],
    [{ type: 'array', of: 'string', value: ['', 'a', 'ĠÄ', '\uFEFF', '🤖'] }, ['', 'a', 'ĠÄ', '\uFEFF', '🤖']],
    [{ type: 'array', of: 'string', value: [] }, []],
    [
      {
        type: 'array',
        of: 'array',
        value: [
          { type: 'array', of: 'uint8', value: [1] },
          { type: 'array', of: 'string', value: ['x'] },
        ],
      },
      [Uint8Array.of(1), ['x']],
    ],
  ];

  it.each(pairs.map(([written, expected], i) => [i, written, expected] as const))(
    '%d',
    async (_i, written, expected) => {
      expect(await roundTrip(written)).toEqual(expected);
    },
  );

  it('decodes long runs of strings of every length, some not ASCII, some long', async () => {
    const value = Array.from({ length: 20_000 }, (_, i) => 'é🤖x'.repeat(i % 7) + 'y'.repeat(i % 300) + i.toString());
    expect(await roundTrip({ type: 'array', of: 'string', value })).toEqual(value);
  });

  it('replaces invalid UTF-8 inside its own string only', async () => {
    // A cut sequence, a lone continuation, an overlong slash, a surrogate, 0xFF; each between valid neighbours.
    const bad = [[0xc3], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff], [0xf0, 0x9f, 0xa4]];
    const strings = bad.flatMap((bytes) => [[0x61], bytes, [0xa9], [0xc3, 0xa9]]);
    const bytes = rawGguf({
      entries: [
        entry(
          'key',
          'array',
          array('string', strings.length, (out) => {
            for (const s of strings) {
              out.u64(s.length);
              out.bytes(Uint8Array.from(s));
            }
          }),
        ),
      ],
    });
    const { metadata } = await parseBytes(bytes);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    expect(metadata.get('key')).toEqual(strings.map((s) => decoder.decode(Uint8Array.from(s))));
  });
});

describe('structure', () => {
  it.each([2, 3])('reads version %d', async (version) => {
    const header = await parseBytes(rawGguf({ version, tensors: [tensor('t', [8, 2])], dataBytes: 64 }));
    expect(header.version).toBe(version);
    expect(header.tensors).toEqual([
      { name: 't', dims: [8, 2], type: 'F32', elements: 16, bytes: 64, relativeOffset: 0 },
    ]);
  });

  it('keeps file order of keys and tensors', async () => {
    const header = await parseBytes(
      ggufBytes({
        metadata: ['z', 'a', '10', '2'].map((key) => [key, { type: 'bool', value: true }]),
        tensors: ['z', 'a', '10', '2'].map((name) => ({ name, dims: [32], type: 'Q4_0' })),
      }),
    );
    expect([...header.metadata.keys()]).toEqual(['z', 'a', '10', '2']);
    expect(header.tensors.map((t) => t.name)).toEqual(['z', 'a', '10', '2']);
  });

  it.each([1, 2, 8, 64, 4096])('honours alignment %d', async (alignment) => {
    const file = {
      alignment,
      metadata: [],
      tensors: [
        { name: 'a', dims: [3], type: 'F16' as const },
        { name: 'b', dims: [5], type: 'I8' as const },
        { name: 'c', dims: [1, 1, 1, 1], type: 'F64' as const },
      ],
    };
    const layout = layoutGguf(file);
    const header = await parseBytes(ggufBytes(file));
    expect(header.alignment).toBe(alignment);
    expect(header.dataStart).toBe(layout.header.length);
    expect(header.dataStart % alignment).toBe(0);
    expect(header.tensors.map((t) => header.dataStart + t.relativeOffset)).toEqual(layout.offsets);
    expect(header.tensors.map((t) => t.bytes)).toEqual([6, 5, 8]);
  });

  it('reads a file without tensors whose header ends the file, unpadded', async () => {
    const bytes = rawGguf({
      entries: [
        entry('k', 'uint8', (out) => {
          out.u8(1);
        }),
      ],
    });
    const header = await parseBytes(bytes);
    expect(header.length).toBe(bytes.length);
    expect(header.tensors).toEqual([]);
  });

  it('accepts data in another order than the tensor list, and gaps', async () => {
    const header = await parseBytes(
      rawGguf({ tensors: [tensor('late', [4], 'F32', 128), tensor('early', [4], 'F32', 0)], dataBytes: 144 }),
    );
    expect(header.tensors.map((t) => t.relativeOffset)).toEqual([128, 0]);
  });

  it('knows types that cannot run, by name', async () => {
    const header = await parseBytes(rawGguf({ tensors: [tensor('t', [256], 'Q8_K')], dataBytes: 292 }));
    expect(header.tensors[0]).toMatchObject({ type: 'Q8_K', bytes: 292 });
  });
});

describe('reading', () => {
  const longText = 'x'.repeat(3 * FIRST_READ_BYTES);
  const file = ggufBytes({
    metadata: [
      ['first', { type: 'string', value: longText }],
      ['second', { type: 'array', of: 'string', value: Array.from({ length: 100_000 }, (_, i) => `token ${i}`) }],
      ['third', { type: 'uint32', value: 7 }],
    ],
    tensors: [{ name: 't', dims: [2 ** 22], type: 'F32' }],
  });

  it('reads a header that is longer than the first read, each byte once, and no tensor data beyond', async () => {
    const { source, reads } = counting(memorySource(file));
    const header = await parseHeader(source);
    expect(header.metadata.get('first')).toBe(longText);
    expect(header.metadata.get('second')).toHaveLength(100_000);
    expect(header.metadata.get('third')).toBe(7);
    let end = 0;
    for (const [offset, length] of reads) {
      expect(offset).toBe(end);
      end = offset + length;
    }
    expect(end).toBe(header.bytesRead);
    expect(reads.length).toBeLessThanOrEqual(4);
    expect(end).toBeLessThan(5 * header.length);
    expect(header.sha256).toBe(createHash('sha256').update(file.subarray(0, header.length)).digest('hex'));
  });

  it('reads a small file in one read', async () => {
    const { source, reads } = counting(memorySource(rawGguf({})));
    await parseHeader(source);
    expect(reads).toEqual([[0, 24]]);
  });

  it('honours abort between reads', async () => {
    const controller = new AbortController();
    const inner = memorySource(file);
    let reads = 0;
    const source: ByteSource = {
      ...inner,
      read: (offset, length) => {
        if (++reads === 2) controller.abort();
        return inner.read(offset, length);
      },
    };
    expect(await codeOf(() => parseHeader(source, controller.signal))).toBe('run-cancelled');
    expect(reads).toBe(2);
  });
});
