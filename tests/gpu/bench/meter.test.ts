import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBandwidth } from '../../../src/gpu/bench/read-bandwidth';
import { attachMeter } from '../../../src/gpu/bench/meter';
import { attachProfile } from '../../../src/gpu/bench/profile';
import type { GpuContext } from '../../../src/gpu/device';
import { KERNEL_TABLE } from '../../../src/gpu/kernel-table';
import { getPipeline } from '../../../src/gpu/pipelines';
import { readBack } from '../../../src/gpu/readback';
import { Recorder } from '../../../src/gpu/recorder';
import { upload } from '../../../src/gpu/probe/guarded';
import { ownContext } from '../../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await ownContext();
});
afterAll(() => {
  context.dispose();
});

/** y = x + x, `times` over, each result added again: 2^times x. Every dispatch has params of its own behind a dynamic offset. */
async function doubled(times: number): Promise<readonly number[]> {
  const recorder = new Recorder(context);
  const add = await getPipeline(context, KERNEL_TABLE.add, { id: 'plain' });
  const x = upload(context, Float32Array.of(1, 2, 3));
  const y = upload(context, new Float32Array(3));
  const values = await context.step(async () => {
    for (let i = 0; i < times; i++) {
      recorder.dispatch(add, { a: x, b: x, y }, { count: 3 - (i % 2) }, [1]);
      recorder.copy(y.buffer, 0, x.buffer, 0, 12);
    }
    recorder.submit();
    return new Float32Array(await readBack(context, [{ buffer: y.buffer, offset: 0, size: 12 }]));
  });
  recorder.dispose();
  return [...values];
}

describe('attachMeter', () => {
  it('counts what is done between two looks, and nothing once it is detached', async () => {
    const plain = await doubled(5);
    const meter = attachMeter(context);
    expect(meter.take()).toEqual({ dispatches: 0, passes: 0, submits: 0, readbacks: 0 });
    expect(await doubled(5)).toEqual(plain);
    // Five passes, as a copy ends a pass; one submit of the recorder and one of the readback.
    expect(meter.take()).toEqual({ dispatches: 5, passes: 5, submits: 2, readbacks: 1 });
    await doubled(2);
    expect(meter.take().dispatches).toBe(2);
    meter.detach();
    await doubled(3);
    expect(meter.take()).toEqual({ dispatches: 0, passes: 0, submits: 0, readbacks: 0 });
  });
});

describe('attachProfile', () => {
  it('times each dispatch under its kernel and changes no result', async () => {
    const plain = await doubled(6);
    const profile = attachProfile(context);
    if (profile === undefined) throw new Error('this adapter has no timestamps; SwiftShader has');
    expect(await doubled(6)).toEqual(plain);
    const [first, ...others] = await profile.take();
    expect(others).toEqual([]);
    expect(first?.kernel).toBe('ops/add.wgsl plain');
    expect(first?.dispatches).toBe(6);
    expect(first?.microseconds).toBeGreaterThan(0);
    expect(await profile.take()).toEqual([]);
    profile.detach();
    expect(await doubled(6)).toEqual(plain);
  });

  it('goes beyond what one set of timestamps holds', async () => {
    const profile = attachProfile(context);
    await doubled(2050);
    expect((await profile?.take())?.[0]?.dispatches).toBe(2050);
    profile?.detach();
  });
});

describe('readBandwidth', () => {
  it('is a plausible rate, and leaves no trace on the memory that engines are charged with', async () => {
    const before = [context.bytes, context.peakBytes];
    const rate = await readBandwidth(context);
    expect(rate).toBeGreaterThan(1e8);
    expect(rate).toBeLessThan(1e14);
    expect([context.bytes, context.peakBytes]).toEqual(before);
  });
});
