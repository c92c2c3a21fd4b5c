import { describe, expect, it } from 'vitest';
import { weightReader, READ_AHEAD_BYTES } from '../../src/cpu/pool/weight-reader';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import type { TensorRange } from '../../src/gguf/neighbours';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { boundWeight } from '../../src/model/weights';
import { makeModel } from '../support/gguf-models';

interface Watched {
  readonly model: ModelFile;
  readonly reads: TensorRange[];
  /** Lets reads that are held go on. */
  release(): void;
}

/** A model that notes each read, and holds it until it is let go when `held`. */
async function watched(
  held: boolean,
): Promise<Watched & { ranges(n: number, length: number): readonly TensorRange[] }> {
  const shape = { nLayer: 1, nEmbd: 256, nVocab: 65_600, nExpert: 2, nExpertUsed: 1 };
  const model = await openModel([memorySource(makeModel({ shape, type: 'F32', tied: true }), 'made.gguf')]);
  const { tensor } = boundWeight(model, readHParams(model), 'token_embd');
  const reads: TensorRange[] = [];
  let go: () => void = () => undefined;
  const gate = held ? new Promise<void>((resolve) => (go = resolve)) : Promise.resolve();
  return {
    reads,
    release: go,
    // Apart from each other.
    ranges: (n, length) => Array.from({ length: n }, (_, i) => ({ tensor, offset: i * (length + 4), length })),
    model: {
      ...model,
      readTensor: async (of, offset, length, signal) => {
        reads.push({ tensor, offset, length });
        await gate;
        return model.readTensor(of, offset, length, signal);
      },
    },
  };
}

function fail(): never {
  throw new Error('no range');
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('weightReader', () => {
  it('reads what is expected once, in order, before it is taken', async () => {
    const { model, reads, ranges } = await watched(false);
    const reader = weightReader(model);
    const wanted = ranges(6, 1024);
    reader.expect(wanted);
    reader.expect(wanted.slice(2));
    await settled();
    expect(reads).toEqual(wanted);
    for (const range of wanted) {
      const bytes = await reader.take(range, undefined);
      expect(bytes).toEqual(await model.readTensor(range.tensor, range.offset, range.length));
    }
    expect(reads).toHaveLength(12);
  });

  it('reads neighbours as one, and gives each its own memory', async () => {
    const { model, reads, ranges } = await watched(false);
    const reader = weightReader(model);
    const [{ tensor } = fail()] = ranges(1, 1024);
    const wanted = [0, 1024, 2048, 8192, 9216].map((offset) => ({ tensor, offset, length: 1024 }));
    reader.expect(wanted);
    await settled();
    expect(reads).toEqual([
      { tensor, offset: 0, length: 3072 },
      { tensor, offset: 8192, length: 2048 },
    ]);
    for (const range of wanted) {
      const bytes = await reader.take(range, undefined);
      expect(bytes.buffer.byteLength).toBe(1024);
      expect(bytes).toEqual(await model.readTensor(tensor, range.offset, range.length));
    }
    // What the test itself read beside them.
    expect(reads).toHaveLength(2 + wanted.length);
  });

  it('keeps few reads under way, and few bytes that nobody has taken', async () => {
    const held = await watched(true);
    weightReader(held.model).expect(held.ranges(6, 1024));
    await settled();
    expect(held.reads).toHaveLength(2);

    const { model, reads, ranges } = await watched(false);
    const reader = weightReader(model);
    const quarter = READ_AHEAD_BYTES / 4;
    const wanted = ranges(8, quarter);
    reader.expect(wanted);
    await settled();
    expect(reads).toHaveLength(4);
    for (const range of wanted.slice(0, 2)) await reader.take(range, undefined);
    await settled();
    expect(reads).toHaveLength(6);
    // One that has not been begun is read at once when it is taken, and not again.
    const last = wanted[7];
    if (last !== undefined) await reader.take(last, undefined);
    expect(reads.at(-1)).toEqual(last);
  });

  it('forgets what is no longer wanted', async () => {
    const { model, reads, ranges } = await watched(false);
    const reader = weightReader(model);
    reader.expect(ranges(8, READ_AHEAD_BYTES / 2));
    await settled();
    reader.forget();
    await settled();
    expect(reads).toHaveLength(2);
    reader.expect(ranges(1, 64));
    await settled();
    expect(reads).toHaveLength(3);
  });

  it('hands a failed read to its taker, and a cancel at once', async () => {
    const { model, ranges, release } = await watched(true);
    const reader = weightReader(model);
    const [range] = ranges(1, 2 ** 40);
    if (range === undefined) throw new Error('no range');
    const small = { ...range, length: 64 };
    reader.expect([small, { ...small, offset: -64 }]);
    const controller = new AbortController();
    const taken = reader.take(small, controller.signal);
    controller.abort();
    await expect(taken).rejects.toMatchObject({ code: 'run-cancelled' });
    release();
    await settled();
    await expect(reader.take({ ...small, offset: -64 }, undefined)).rejects.toMatchObject({ code: 'gguf-truncated' });
  });
});
