import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { storageBindings } from '../../src/ops/kernel-spec';
import { linearGrid, MAX_GROUPS } from '../../src/ops/kernel-grid';
import { KERNEL_TABLE } from '../../src/gpu/kernel-table';
import { getPipeline } from '../../src/gpu/pipelines';
import { readBack } from '../../src/gpu/readback';
import { Recorder } from '../../src/gpu/recorder';
import { guardedOutput, upload } from '../../src/gpu/probe/guarded';
import { readOutput, testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

describe('Recorder', () => {
  it('gives each of many dispatches its own params and tables, however many there are', async () => {
    const recorder = new Recorder(context);
    const copy = await getPipeline(context, KERNEL_TABLE.copyRows, { id: 'plain' });
    // More than the params (64 KiB, 256 bytes each) and the tables (256 KiB) hold at first.
    const outputs = Array.from({ length: 600 }, () => guardedOutput(context, 300));
    const last = await context.step(async () => {
      for (const [i, y] of outputs.entries()) {
        const x = recorder.table(Uint32Array.from({ length: 300 }, (_, k) => 1000 * i + k));
        const params = { count: 300, rowLength: 300, xStride: 0, xOffset: 0, yOffset: 0 };
        recorder.dispatch(copy, { x, y }, params, linearGrid(300, 64));
      }
      recorder.submit();
      return readBack(
        context,
        outputs.map((y) => ({ buffer: y.buffer, offset: 256, size: 1200 })),
      );
    });
    const words = new Uint32Array(last);
    expect(words.findIndex((w, i) => w !== 1000 * Math.floor(i / 300) + (i % 300))).toBe(-1);
    recorder.dispose();
  });

  it('forgets what is discarded, and tells those who wait either way', async () => {
    const recorder = new Recorder(context);
    const add = await getPipeline(context, KERNEL_TABLE.add, { id: 'plain' });
    const a = upload(context, new Float32Array([1]));
    const y = upload(context, new Float32Array([7]));
    const told: string[] = [];
    recorder.dispatch(add, { a, b: a, y }, { count: 1 }, [1]);
    recorder.afterSubmit(() => told.push('discarded'));
    recorder.discard();
    recorder.afterSubmit(() => told.push('submitted'));
    recorder.submit();
    expect(told).toEqual(['discarded', 'submitted']);
    const kept = await readBack(context, [{ buffer: y.buffer, offset: 0, size: 4 }]);
    expect([...new Float32Array(kept)]).toEqual([7]);
    recorder.dispose();
  });

  it('makes a bind group once for the same ranges, and another for others of the same buffers', async () => {
    const recorder = new Recorder(context);
    const add = await getPipeline(context, KERNEL_TABLE.add, { id: 'plain' });
    const x = upload(
      context,
      Float32Array.from({ length: 128 }, (_, i) => i),
    );
    const y = upload(context, new Float32Array(2));
    const made = vi.spyOn(context.device, 'createBindGroup');
    await context.step(async () => {
      const [low, high] = [0, 256].map((offset) => ({ buffer: x.buffer, offset, size: 4 }));
      if (low === undefined || high === undefined) throw new RangeError('no ranges');
      for (const a of [low, high, { ...low }, { ...high }]) {
        recorder.dispatch(add, { a, b: low, y }, { count: 1 }, [1]);
        recorder.submit();
      }
      const sum = await readBack(context, [{ buffer: y.buffer, offset: 0, size: 4 }]);
      expect([...new Float32Array(sum)]).toEqual([64]);
    });
    expect(made).toHaveBeenCalledTimes(2);
    made.mockRestore();
    recorder.dispose();
  });

  it('asks a kernel for its bindings, which are put together once', () => {
    expect(storageBindings(KERNEL_TABLE.add)).toBe(storageBindings(KERNEL_TABLE.add));
  });

  it('does nothing for an empty grid', async () => {
    const recorder = new Recorder(context);
    const add = await getPipeline(context, KERNEL_TABLE.add, { id: 'plain' });
    const y = guardedOutput(context, 1);
    const a = upload(context, new Float32Array([1]));
    await context.step(async () => {
      recorder.dispatch(add, { a, b: a, y }, { count: 0 }, linearGrid(0, 64));
      recorder.submit();
      await expect(readOutput(context, y)).rejects.toThrow('unwritten');
    });
    recorder.dispose();
  });
});

describe('linearGrid', () => {
  it.each([1, 64, 65, 64 * MAX_GROUPS, 64 * MAX_GROUPS + 1, 2 ** 31])('holds %i invocations', (count) => {
    const [x, y = 1] = linearGrid(count, 64);
    expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GROUPS);
    expect(x * y * 64).toBeGreaterThanOrEqual(count);
    expect(x * y * 64).toBeLessThan(count + 64 * (y + 1));
  });
});
