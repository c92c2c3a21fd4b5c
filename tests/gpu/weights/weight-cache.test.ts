import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/gguf/memory-source';
import type { ModelFile } from '../../../src/gguf/model-file';
import { openModel } from '../../../src/gguf/open-model';
import type { GpuContext } from '../../../src/gpu/device';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { KERNEL_TABLE } from '../../../src/gpu/kernel-table';
import { getPipeline } from '../../../src/gpu/pipelines';
import { readBack } from '../../../src/gpu/readback';
import { Recorder } from '../../../src/gpu/recorder';
import { batches } from '../../../src/gpu/weights/batches';
import { limiter } from '../../../src/gpu/weights/limiter';
import type { PlacedRows } from '../../../src/gpu/weights/placed-rows';
import { WeightCache, type WeightCacheOptions } from '../../../src/gpu/weights/weight-cache';
import { expertPart, matrixParts, vectorPart, type WeightPart } from '../../../src/gpu/weights/weight-part';
import type { HParams } from '../../../src/model/hparams';
import { readHParams } from '../../../src/model/read-hparams';
import { bindModel } from '../../../src/arch/bind-model';
import type { BoundWeight } from '../../../src/arch/bind';
import { sectionsOf } from '../../../src/arch/graph';
import { makeModel } from '../../support/gguf-models';
import { guardedOutput } from '../../../src/gpu/probe/guarded';
import { testContext } from '../../support/gpu';

let context: GpuContext;
let model: ModelFile;
let hparams: HParams;
/** Experts 0 to 3 of one tensor: 64 x 32 of F32, 8 KiB each. */
let experts: readonly WeightPart[];
beforeAll(async () => {
  context = await testContext('default');
  model = await openModel([memorySource(makeModel(), 'made.gguf')]);
  hparams = readHParams(model);
  const weight = weightOf('ffn_gate_exps', 0);
  experts = [0, 1, 2, 3].map((e) => expertPart(weight, e));
});
afterAll(() => {
  context.dispose();
});

/** A weight of the model by its role. */
function weightOf(role: string, layer?: number): BoundWeight {
  const { graph, weight } = bindModel(model);
  const sections = sectionsOf(graph).filter((section) => section.layer === layer);
  const slot = sections.flatMap(({ nodes }) => nodes.flatMap(({ weights }) => weights)).find((w) => w.role === role);
  if (slot === undefined) throw new Error(`no weight ${role}`);
  return weight(slot);
}

const KIB = 1024;

function cacheOf(budget: number, extra: Partial<WeightCacheOptions> = {}): WeightCache {
  return new WeightCache({ context, model, budget, ...extra });
}

/** Acquires experts and releases them at once. */
async function use(cache: WeightCache, ...numbers: readonly number[]): Promise<void> {
  const parts = numbers.flatMap((n) => experts[n] ?? []);
  (await cache.acquire(parts, undefined)).release();
}

describe('WeightCache', () => {
  it.each([16 * KIB, KIB * KIB])('holds the bytes of the file with a budget of %i', async (budget) => {
    const cache = cacheOf(budget);
    const weight = weightOf('ffn_gate_exps', 0);
    await use(cache, 0, 1);
    // With the small budget these take the places of the first two.
    const { places } = await cache.acquire(experts.slice(2), undefined);
    for (const [i, place] of places.entries()) {
      const expected = await model.readTensor(weight.tensor, (2 + i) * 8 * KIB, 8 * KIB);
      expect(await copyOf(place, 8 * KIB)).toEqual(new Uint8Array(expected));
    }
    cache.dispose();
  });

  it('reads neighbours of a tensor as one, and not a byte more', async () => {
    const reads: [offset: number, length: number][] = [];
    const noting: ModelFile = {
      ...model,
      readTensor: (tensor, offset, length, signal) => {
        reads.push([offset, length]);
        return model.readTensor(tensor, offset, length, signal);
      },
    };
    const cache = cacheOf(KIB * KIB, { model: noting });
    // Given in the order of slots, not of the file.
    const wanted = [3, 0, 1].flatMap((n) => experts[n] ?? []);
    const { places } = await cache.acquire(wanted, undefined);
    expect(reads.sort(([a], [b]) => a - b)).toEqual([
      [0, 16 * KIB],
      [24 * KIB, 8 * KIB],
    ]);
    expect(cache.stats).toMatchObject({ bytesRead: 24 * KIB, expertsRead: 3, misses: 3 });
    for (const [i, part] of wanted.entries()) {
      const expected = await model.readTensor(part.tensor, (part.expert ?? NaN) * 8 * KIB, 8 * KIB);
      const place = places[i];
      if (place === undefined) throw new Error('no place');
      expect(await copyOf(place, 8 * KIB)).toEqual(new Uint8Array(expected));
    }
    cache.dispose();
  });

  it('puts experts side by side where the budget has room for many, and never a matrix among them', async () => {
    const cache = cacheOf(KIB * KIB);
    const matrix = matrixParts(weightOf('ffn_gate_inp', 0), Infinity);
    const { places } = await cache.acquire([...experts, ...matrix], undefined);
    expect(new Set(places.slice(0, 4).map((p) => p.buffer)).size).toBe(1);
    expect(places.map((p) => p.offset)).toEqual([0, 8 * KIB, 16 * KIB, 24 * KIB, 0]);
    expect(places[4]?.buffer).not.toBe(places[0]?.buffer);
    cache.dispose();
  });

  it('drops the least recently used when the budget is full', async () => {
    const cache = cacheOf(24 * KIB);
    await use(cache, 0, 1, 2);
    await use(cache, 0);
    await use(cache, 3);
    expect(cache.stats).toMatchObject({ weightBytes: 24 * KIB, expertsRead: 4, hits: 1, evictions: 1 });
    await use(cache, 0, 2, 3);
    expect(cache.stats).toMatchObject({ expertsRead: 4, hits: 4 });
    await use(cache, 1);
    expect(cache.stats).toMatchObject({ expertsRead: 5, evictions: 2 });
    cache.dispose();
  });

  it('drops what was used once before what was used often, and in the end what was used long ago', async () => {
    const cache = cacheOf(24 * KIB);
    for (let i = 0; i < 4; i++) await use(cache, 0);
    await use(cache, 1);
    await use(cache, 2);
    await use(cache, 3);
    expect(cache.stats).toMatchObject({ evictions: 1, hits: 3, misses: 4 });
    await use(cache, 0);
    expect(cache.stats).toMatchObject({ evictions: 1, hits: 4, misses: 4 });
    // The uses of 0 fade while only 2 and 3 are asked for.
    for (let i = 0; i < 3000; i++) await use(cache, 2 + (i % 2));
    await use(cache, 1);
    expect(cache.stats).toMatchObject({ evictions: 2, misses: 5 });
    await use(cache, 2, 3);
    expect(cache.stats).toMatchObject({ evictions: 2, misses: 5 });
    cache.dispose();
  });

  it('keeps what is pinned, and goes over the budget rather than fail', async () => {
    const cache = cacheOf(16 * KIB);
    const pinned = await cache.acquire(experts.slice(0, 2), undefined);
    expect(cache.hasRoomFor(experts.slice(2, 3))).toBe(false);
    expect(cache.hasRoomFor(experts.slice(0, 1))).toBe(true);
    await use(cache, 2);
    expect(cache.stats).toMatchObject({ weightBytes: 24 * KIB, evictions: 0 });
    pinned.release();
    pinned.release();
    await use(cache, 3);
    expect(cache.stats).toMatchObject({ weightBytes: 16 * KIB, evictions: 2 });
    cache.dispose();
  });

  it('shares one read between those who ask at the same time', async () => {
    const cache = cacheOf(KIB * KIB);
    await Promise.all([use(cache, 0, 1), use(cache, 1, 2)]);
    expect(cache.stats).toMatchObject({ expertsRead: 3, hits: 1 });
    cache.dispose();
  });

  it('reads ahead what fits in a quarter of the budget', async () => {
    const cache = cacheOf(64 * KIB);
    cache.prefetch(experts.slice(0, 3));
    expect(cache.stats.weightBytes).toBe(0);
    cache.prefetch(experts.slice(0, 2));
    await use(cache, 0, 1);
    expect(cache.stats).toMatchObject({ expertsRead: 2, hits: 2 });
    cache.dispose();
  });

  it('lets go of what failed, and of all else it was asked for with it', async () => {
    let broken = true;
    const flaky: ModelFile = {
      ...model,
      bytesRead: 0,
      readTensor: (tensor, offset, length) =>
        broken && offset <= 8 * KIB && 8 * KIB < offset + length
          ? Promise.reject(new Error('no disk'))
          : model.readTensor(tensor, offset, length),
    };
    const cache = cacheOf(KIB * KIB, { model: flaky });
    await expect(use(cache, 1, 3)).rejects.toThrow('no disk');
    expect(cache.stats.weightBytes).toBe(8 * KIB);
    // Neighbours share a read, and its failure.
    await expect(use(cache, 0, 1)).rejects.toThrow('no disk');
    expect(cache.stats.weightBytes).toBe(8 * KIB);
    broken = false;
    await use(cache, 0, 1);
    expect(cache.stats).toMatchObject({ weightBytes: 24 * KIB, expertsRead: 3 });
    cache.dispose();
  });

  it('shrinks to what the GPU has room for', async () => {
    let room = 2;
    const full: GpuContext = Object.create(context, {
      tryAllocate: {
        value: (label: string, size: number, usage: number) => {
          if (room === 0) return Promise.resolve(undefined);
          room--;
          return Promise.resolve(context.allocate(label, size, usage));
        },
      },
      release: {
        value: (buffer: GPUBuffer) => {
          room++;
          context.release(buffer);
        },
      },
    });
    const cache = cacheOf(64 * KIB, { context: full });
    await use(cache, 0);
    await use(cache, 1);
    await use(cache, 2);
    expect(cache.stats).toMatchObject({ expertsRead: 3, evictions: 1, weightBytes: 16 * KIB });
    const pinned = await cache.acquire(experts.slice(1, 3), undefined);
    await expect(cache.acquire(experts.slice(3), undefined)).rejects.toMatchObject({ code: 'gpu-memory' });
    pinned.release();
    cache.dispose();
  });

  it('gives everything back, reads under way included', async () => {
    const before = context.bytes;
    const cache = cacheOf(KIB * KIB);
    await use(cache, 0);
    cache.prefetch(experts);
    cache.dispose();
    await new Promise((resolve) => setImmediate(resolve));
    await context.device.queue.onSubmittedWorkDone();
    expect(context.bytes).toBe(before);
  });
});

describe('parts', () => {
  it('tile a matrix by whole rows, as evenly as can be', () => {
    const weight = weightOf('output');
    const parts = matrixParts(weight, 100 * 256);
    expect(parts.map(({ firstRow, rows, bytes }) => [firstRow, rows, bytes])).toEqual([
      [0, 96, 96 * 256],
      [96, 96, 96 * 256],
      [192, 96, 96 * 256],
    ]);
    expect(matrixParts(weight, Infinity)).toHaveLength(1);
    expect(matrixParts(weight, 1)).toHaveLength(hparams.nVocab);
  });

  it('have keys of their own', () => {
    const weight = weightOf('ffn_gate_exps', 0);
    const parts = [...matrixParts(weight, Infinity), vectorPart(weight), ...experts];
    // Expert 0 and the whole of expert 0's rows are the same part.
    expect(new Set(parts.map((p) => p.key)).size).toBe(parts.length - 1);
  });
});

describe('batches', () => {
  it('are as large as allowed, and never empty', () => {
    expect(batches([3, 3, 3, 9, 1], (n) => n, 6)).toEqual([[3, 3], [3], [9], [1]]);
    expect(batches([], Number, 6)).toEqual([]);
  });
});

describe('limiter', () => {
  it('runs no more at once than its width, in order, and goes on after a failure', async () => {
    const limit = limiter(2);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const task = (n: number) => async (): Promise<void> => {
      most = Math.max(most, ++running);
      order.push(n);
      await Promise.resolve();
      running--;
      if (n === 1) throw new Error('one');
    };
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map((n) => limit(task(n))));
    expect(results.filter((r) => r.status === 'rejected')).toHaveLength(1);
    expect([most, order]).toEqual([2, [0, 1, 2, 3, 4]]);
  });
});

/** Bytes of a part: a buffer of weights cannot be copied from, so that they are read through a kernel. */
async function copyOf(place: PlacedRows | undefined, bytes: number): Promise<Uint8Array> {
  if (place === undefined) throw new Error('no place');
  const count = bytes / 4;
  const recorder = new Recorder(context);
  const y = guardedOutput(context, count);
  const copy = await getPipeline(context, KERNEL_TABLE.copyRows, { id: 'plain' });
  const params = { count, rowLength: count, xStride: 0, xOffset: place.offset / 4, yOffset: 0 };
  recorder.dispatch(copy, { x: { buffer: place.buffer }, y }, params, linearGrid(count, 64));
  recorder.submit();
  const out = await readBack(context, [{ buffer: y.buffer, offset: 256, size: bytes }]);
  recorder.dispose();
  return new Uint8Array(out);
}
