import type { GpuContext } from '../../src/gpu/device';
import { openDevice } from '../../src/gpu/device';
import { nodeGpu, useSwiftShader } from '../../src/gpu/node-device';
import { UNWRITTEN_BITS, withoutGuards } from '../../src/gpu/probe/guarded';
import { readBack } from '../../src/gpu/readback';
import type { BufferRange } from '../../src/gpu/recorder';

/**
 * A device for tests: whatever adapter Dawn finds, else Chromium's SwiftShader. A machine without either FAILS the test, with what to
 * install; it never skips.
 */
export async function testContext(limits: 'adapter' | 'default' = 'adapter'): Promise<GpuContext> {
  useSwiftShader();
  return openDevice(nodeGpu(), { adapter: 'any', limits });
}

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
