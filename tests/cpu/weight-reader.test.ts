import { describe, expect, it } from 'vitest';
import { weightReader, READ_AHEAD_BYTES } from '../../src/cpu/pool/weight-reader';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { fileBytes, readRows, type TensorRows } from '../../src/gguf/tensor-rows';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { boundWeight } from '../../src/model/bound-weights';
import { makeModel } from '../support/gguf-models';

/** Rows of 256 floats. */
const ROW = 1024;

interface Watched {
  readonly model: ModelFile;
  /** Of each read. */
  readonly reads: (readonly [offset: number, length: number])[];
  /** Lets reads that are held go on. */
  release(): void;
}

/** A model that notes each read, and holds it until it is let go when `held`. */
async function watched(held: boolean): Promise<Watched & { apart(n: number, rows: number): readonly TensorRows[] }> {
  const shape = { nLayer: 1, nEmbd: 256, nVocab: 65_600, nExpert: 2, nExpertUsed: 1 };
  const model = await openModel([memorySource(makeModel({ shape, type: 'F32', tied: true }), 'made.gguf')]);
  const { tensor } = boundWeight(model, readHParams(model), 'token_embd');
  const reads: Watched['reads'] = [];
  let go: () => void = () => undefined;
  const gate = held ? new Promise<void>((resolve) => (go = resolve)) : Promise.resolve();
  return {
    reads,
    release: go,
    apart: (n, rows) => Array.from({ length: n }, (_, i) => ({ tensor, firstRow: i * (rows + 1), rows })),
    model: {
      ...model,
      readTensor: async (of, offset, length, signal) => {
        reads.push([offset, length]);
        await gate;
        return model.readTensor(of, offset, length, signal);
      },
    },
  };
}

/** The read that brings rows. */
function readOf(rows: TensorRows): Watched['reads'][number] {
  return [rows.firstRow * ROW, fileBytes(rows)];
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('weightReader', () => {
  it('reads what is expected once, in order, before it is taken', async () => {
    const { model, reads, apart } = await watched(false);
    const reader = weightReader(model);
    const wanted = apart(6, 1);
    reader.expect(wanted);
    reader.expect(wanted.slice(2));
    await settled();
    expect(reads).toEqual(wanted.map(readOf));
    for (const rows of wanted) {
      const bytes = await reader.take(rows, undefined);
      expect(bytes).toEqual(await readRows(model, rows));
    }
    expect(reads).toHaveLength(12);
  });

  it('reads neighbours as one, and gives each its own memory', async () => {
    const { model, reads, apart } = await watched(false);
    const reader = weightReader(model);
    const wanted = [0, 1, 2, 8, 9].flatMap((firstRow) => apart(1, 1).map((rows) => ({ ...rows, firstRow })));
    reader.expect(wanted);
    await settled();
    expect(reads).toEqual([
      [0, 3072],
      [8192, 2048],
    ]);
    for (const rows of wanted) {
      const bytes = await reader.take(rows, undefined);
      expect(bytes.buffer.byteLength).toBe(1024);
      expect(bytes).toEqual(await readRows(model, rows));
    }
    // What the test itself read beside them.
    expect(reads).toHaveLength(2 + wanted.length);
  });

  it('keeps few reads under way, and few bytes that nobody has taken', async () => {
    const held = await watched(true);
    weightReader(held.model).expect(held.apart(6, 1));
    await settled();
    expect(held.reads).toHaveLength(2);

    const { model, reads, apart } = await watched(false);
    const reader = weightReader(model);
    const wanted = apart(8, READ_AHEAD_BYTES / 4 / ROW);
    reader.expect(wanted);
    await settled();
    expect(reads).toHaveLength(4);
    for (const rows of wanted.slice(0, 2)) await reader.take(rows, undefined);
    await settled();
    expect(reads).toHaveLength(6);
    // One that has not been begun is read at once when it is taken, and not again.
    const last = wanted[7];
    if (last !== undefined) await reader.take(last, undefined);
    expect(reads.at(-1)).toEqual(last && readOf(last));
  });

  it('forgets what is no longer wanted', async () => {
    const { model, reads, apart } = await watched(false);
    const reader = weightReader(model);
    reader.expect(apart(8, READ_AHEAD_BYTES / 2 / ROW));
    await settled();
    reader.forget();
    await settled();
    expect(reads).toHaveLength(2);
    reader.expect(apart(1, 1));
    await settled();
    expect(reads).toHaveLength(3);
  });

  it('hands a failed read to its taker, and a cancel at once', async () => {
    const { model, apart, release } = await watched(true);
    const reader = weightReader(model);
    const [first] = apart(1, 1);
    if (first === undefined) throw new Error('no rows');
    reader.expect([first, { ...first, firstRow: -1 }]);
    const controller = new AbortController();
    const taken = reader.take(first, controller.signal);
    controller.abort();
    await expect(taken).rejects.toMatchObject({ code: 'run-cancelled' });
    release();
    await settled();
    await expect(reader.take({ ...first, firstRow: -1 }, undefined)).rejects.toMatchObject({ code: 'gguf-truncated' });
  });
});
