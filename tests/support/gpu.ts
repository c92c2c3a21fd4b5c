import type { GpuContext } from '../../src/gpu/device';
import { openDevice } from '../../src/gpu/device';
import { nodeGpu, useSwiftShader } from '../../src/gpu/node-device';
import { UNWRITTEN_BITS, withoutGuards } from '../../src/gpu/probe/guarded';
import { readBack } from '../../src/gpu/readback';
import type { BufferRange } from '../../src/gpu/recorder';
import { SharedDevice } from '../../src/gpu/shared-device';

type Limits = 'adapter' | 'default';

/**
 * A context for tests on whatever adapter Dawn finds, else Chromium's SwiftShader. A machine without either FAILS the test, with what to
 * install; it never skips. All contexts of a process stand on one device, which compiles each kernel once: that is most of what these
 * tests cost.
 */
export function testContext(limits: Limits = 'adapter'): Promise<GpuContext> {
  return SHARED[limits].context();
}

/** The same on a device of its own, to be lost, or to see what is compiled. */
export async function ownContext(limits: Limits = 'adapter'): Promise<GpuContext> {
  useSwiftShader();
  return openDevice(nodeGpu(), { adapter: 'any', limits });
}

const SHARED: Readonly<Record<Limits, SharedDevice>> = {
  adapter: new SharedDevice(() => ownContext('adapter')),
  default: new SharedDevice(() => ownContext('default')),
};

/** The words of a `guardedOutput`. Fails when anything outside it was written. */
export async function readGuarded(context: GpuContext, output: BufferRange): Promise<Uint32Array<ArrayBuffer>> {
  const bytes = await readBack(context, [{ buffer: output.buffer, offset: 0, size: output.buffer.size }]);
  const { words, strayAt } = withoutGuards(new Uint32Array(bytes), output);
  if (strayAt !== undefined) {
    throw new Error(`the kernel wrote outside its output, at element ${strayAt} of ${words.length}`);
  }
  return words;
}

/** The values of a `guardedOutput`. Fails when anything outside it was written, or anything inside it was not. */
export async function readOutput(context: GpuContext, output: BufferRange): Promise<Float32Array<ArrayBuffer>> {
  const words = await readGuarded(context, output);
  const hole = words.indexOf(UNWRITTEN_BITS);
  if (hole >= 0) throw new Error(`the kernel left element ${hole} of ${words.length} unwritten`);
  return new Float32Array(words.buffer);
}
