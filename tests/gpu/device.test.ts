import { describe, expect, it } from 'vitest';
import { isSoftware } from '../../src/gpu/adapter';
import { linearGrid } from '../../src/ops/kernel-grid';
import { KERNEL_TABLE } from '../../src/gpu/kernel-table';
import { getPipeline } from '../../src/gpu/pipelines';
import { SharedDevice } from '../../src/gpu/shared-device';
import { Recorder } from '../../src/gpu/recorder';
import { guardedOutput, upload } from '../../src/gpu/probe/guarded';
import { readOutput, ownContext } from '../support/gpu';

describe('SharedDevice', () => {
  it('gives contexts that end without the device, and another device once it is lost', async () => {
    const shared = new SharedDevice(() => ownContext());
    const first = await shared.context();
    const buffer = first.allocate('x', 64, GPUBufferUsage.COPY_DST);
    first.dispose();
    await expect(first.step(() => Promise.resolve(7))).rejects.toMatchObject({ code: 'gpu-lost' });
    expect(buffer.size).toBe(64);
    const second = await shared.context();
    expect(second.device).toBe(first.device);
    expect(second.bytes).toBe(0);
    await expect(second.step(() => Promise.resolve(7))).resolves.toBe(7);
    second.device.destroy();
    await second.device.lost;
    const third = await shared.context();
    expect(third.device).not.toBe(first.device);
    await expect(third.step(() => Promise.resolve(7))).resolves.toBe(7);
    await shared.dispose();
    await expect(third.step(() => Promise.resolve(7))).rejects.toMatchObject({ code: 'gpu-lost' });
  });

  it('asks again after a failure', async () => {
    let asked = 0;
    const shared = new SharedDevice(() => (asked++ === 0 ? Promise.reject(new Error('none')) : ownContext()));
    await expect(shared.context()).rejects.toThrow('none');
    await expect(shared.context()).resolves.toBeDefined();
    await shared.dispose();
  });
});

describe('GpuContext', () => {
  it('runs a kernel', async () => {
    const context = await ownContext();
    const recorder = new Recorder(context);
    const a = upload(context, new Float32Array([1, 2, 3]));
    const b = upload(context, new Float32Array([10, 20, 30]));
    const y = guardedOutput(context, 3);
    const add = await getPipeline(context, KERNEL_TABLE.add, { id: 'plain' });
    const out = await context.step(async () => {
      recorder.dispatch(add, { a, b, y }, { count: 3 }, linearGrid(3, 64));
      recorder.submit();
      return readOutput(context, y);
    });
    expect([...out]).toEqual([11, 22, 33]);
    recorder.dispose();
    context.dispose();
  });

  it('is exactly the default limits when those are asked for', async () => {
    const context = await ownContext('default');
    expect(context.card.limits).toMatchObject({
      maxBufferSize: 268435456,
      maxStorageBufferBindingSize: 134217728,
      maxStorageBuffersPerShaderStage: 8,
    });
    context.dispose();
  });

  it('rejects the step whose command the device refuses', async () => {
    const context = await ownContext();
    const bad = context.step(async () => {
      const small = context.allocate('small', 4, GPUBufferUsage.COPY_DST);
      context.device.queue.writeBuffer(small, 0, new Uint32Array(8));
      await context.device.queue.onSubmittedWorkDone();
    });
    await expect(bad).rejects.toMatchObject({ code: 'gpu-validation' });
    await expect(context.step(() => Promise.resolve(7))).resolves.toBe(7);
    context.dispose();
  });

  it('rejects the step in progress when the device is lost', async () => {
    const context = await ownContext();
    const lost = context.step(async () => {
      context.device.destroy();
      await context.device.lost;
    });
    await expect(lost).rejects.toMatchObject({ code: 'gpu-lost' });
    await expect(context.step(() => Promise.resolve(7))).rejects.toMatchObject({ code: 'gpu-lost' });
  });

  it('hears what no scope catches, as many contexts as there may be, and Node is not warned of a leak', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', onWarning);
    const shared = new SharedDevice(() => ownContext());
    const contexts = await Promise.all(Array.from({ length: 32 }, () => shared.context()));
    const [first, second, last] = [contexts[0], contexts[1], contexts.at(-1)];
    const failing = async (): Promise<void> => {
      // Not within a scope of the device's own: those of the step are popped before it is told.
      first?.device.dispatchEvent(Object.assign(new Event('uncapturederror'), { error: new Error('seen by all') }));
      await Promise.resolve();
    };
    second?.dispose();
    await expect(first?.step(failing)).rejects.toMatchObject({ code: 'gpu-validation' });
    await expect(last?.step(failing)).rejects.toMatchObject({ code: 'gpu-validation' });
    for (const context of contexts) context.dispose();
    await shared.dispose();
    await new Promise((done) => setImmediate(done));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('counts the bytes that are allocated', async () => {
    const context = await ownContext();
    const buffer = context.allocate('x', 1000, GPUBufferUsage.STORAGE);
    expect(context.bytes).toBe(1000);
    context.release(buffer);
    context.release(buffer);
    expect([context.bytes, context.peakBytes]).toEqual([0, 1000]);
    context.dispose();
  });
});

describe('isSoftware', () => {
  const info = { vendor: '', architecture: '', device: '', description: '' };
  it.each([
    [{ ...info, vendor: 'google', architecture: 'swiftshader' }, true],
    [{ ...info, description: 'llvmpipe (LLVM 15.0.7, 256 bits)' }, true],
    [{ ...info, description: 'Microsoft Basic Render Driver' }, true],
    [{ ...info, isFallbackAdapter: true }, true],
    [{ ...info, vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' }, false],
    [{ ...info, vendor: 'apple', architecture: 'metal-3' }, false],
  ])('%o is %s', (adapter, software) => {
    expect(isSoftware(adapter)).toBe(software);
  });
});
