import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GGML_TYPES } from '../../src/gguf/ggml-types';
import type { GgufValue } from '../../src/gguf/model-file';
import { nodeSource } from '../../src/gguf/node-source';
import { parseHeader } from '../../src/gguf/reader';
import { ggufBytes } from '../../src/gguf/writer';
import { GOLDEN_MODELS, goldenModelPath } from '../support/golden';
import { makeModel, modelToWrite } from '../support/gguf-models';

/* Our reader against an independent one, on real and on generated files. */

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-differential-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** One form for both readers: arrays plain, whole numbers as decimal text, so that 1 and 1n are the same. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    return Array.from(value as ArrayLike<unknown>, plain);
  }
  return value;
}

async function compare(path: string): Promise<void> {
  const source = await nodeSource(path);
  const ours = await parseHeader(source);
  await source.close();
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });

  const theirs = new Map<string, unknown>(Object.entries(metadata));
  expect(theirs.get('version')).toBe(ours.version);
  for (const key of ['version', 'tensor_count', 'kv_count']) theirs.delete(key);
  expect([...ours.metadata.keys()].sort()).toEqual([...theirs.keys()].sort());
  for (const [key, value] of ours.metadata as ReadonlyMap<string, GgufValue>) {
    // Joined: comparing 150,000 tokens element by element is slow in the test runner.
    const [a, b] = [JSON.stringify(plain(value)), JSON.stringify(plain(theirs.get(key)))];
    expect(a === b ? key : `${key}: ${a.slice(0, 300)} / ${b.slice(0, 300)}`).toBe(key);
  }
  expect(
    ours.tensors.map(
      (t) =>
        [
          t.name,
          t.dims.map(BigInt),
          GGML_TYPES.find(({ name }) => name === t.type)?.id,
          BigInt(t.relativeOffset),
        ] as const,
    ),
  ).toEqual(tensorInfos.map((t) => [t.name, t.shape, t.dtype, t.offset]));
  if (ours.tensors.length > 0) expect(BigInt(ours.dataStart)).toBe(tensorDataOffset);
}

describe('agrees with @huggingface/gguf', () => {
  it.each([...GOLDEN_MODELS, 'tiny-moe-6x16'])('on %s', async (name) => {
    await compare(goldenModelPath(name));
  });

  it('on generated models', async () => {
    const recipes = [
      { type: 'Q4_K', shape: { nEmbd: 256, nVocab: 301 }, tied: true },
      { type: 'F16', alignment: 64, version: 2 },
      { type: 'MXFP4', alignment: 4096, shape: { nLayer: 3 } },
    ] as const;
    for (const [i, recipe] of recipes.entries()) {
      const path = join(folder, `generated-${i}.gguf`);
      await writeFile(path, makeModel(recipe));
      await compare(path);
    }
  });

  it('on every value type', async () => {
    const path = join(folder, 'values.gguf');
    const { tensors } = modelToWrite();
    const bytes = ggufBytes({
      tensors: tensors.slice(0, 3),
      metadata: [
        ['u8', { type: 'uint8', value: 200 }],
        ['i8', { type: 'int8', value: -100 }],
        ['u16', { type: 'uint16', value: 60000 }],
        ['i16', { type: 'int16', value: -30000 }],
        ['u32', { type: 'uint32', value: 4e9 }],
        ['i32', { type: 'int32', value: -2e9 }],
        ['u64', { type: 'uint64', value: 2n ** 64n - 3n }],
        ['i64', { type: 'int64', value: -(2n ** 63n) + 5n }],
        ['f32', { type: 'float32', value: -1e-40 }],
        ['f64', { type: 'float64', value: 0.1 }],
        ['yes', { type: 'bool', value: true }],
        ['text', { type: 'string', value: 'Ġ漢字🤖\n\0' }],
        ['floats', { type: 'array', of: 'float32', value: [1.5, NaN, -Infinity, 0.1] }],
        ['longs', { type: 'array', of: 'int64', value: [-1n, 2n ** 60n] }],
        ['flags', { type: 'array', of: 'bool', value: [false, true] }],
        ['words', { type: 'array', of: 'string', value: ['', 'a', 'é'.repeat(500), '🤖'] }],
        ['empty', { type: 'array', of: 'uint16', value: [] }],
      ],
    });
    await writeFile(path, bytes);
    await compare(path);
  });
});
