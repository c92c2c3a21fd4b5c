import type { GpuContext } from '../../src/gpu/device';
import { openDevice } from '../../src/gpu/device';
import { nodeGpu, useSwiftShader } from '../../src/gpu/node-device';
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

/** A NaN whose bits no kernel makes: what an output holds where nothing was written. */
export const UNWRITTEN_BITS = 0x7fc0dead;
/** What the guard bands round an output hold. */
const GUARD_BITS = 0x5a5aa5a5;
/** Bytes of one guard band: a binding offset on every adapter. */
const GUARD_BYTES = 256;

/** A storage buffer with these values, padded to whole words. */
export function upload(
  context: GpuContext,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): BufferRange {
  const padded = new Uint8Array(Math.max(4, Math.ceil(data.byteLength / 4) * 4));
  padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = context.allocate('upload', padded.byteLength, usage);
  context.device.queue.writeBuffer(buffer, 0, padded);
  return { buffer, offset: 0, size: padded.byteLength };
}

/** An output of `length` 4-byte values: pre-filled with {@link UNWRITTEN_BITS}, between two guard bands. */
export function guardedOutput(context: GpuContext, length: number): BufferRange {
  const guard = GUARD_BYTES / 4;
  const tail = Math.ceil(length / guard) * guard + guard;
  const words = new Uint32Array(guard + tail).fill(GUARD_BITS);
  words.fill(UNWRITTEN_BITS, guard, guard + length);
  const { buffer } = upload(context, words);
  return { buffer, offset: GUARD_BYTES, size: length * 4 };
}

/** The words of a {@link guardedOutput}. Fails when anything outside it was written. */
export async function readGuarded(context: GpuContext, output: BufferRange): Promise<Uint32Array<ArrayBuffer>> {
  const all = new Uint32Array(
    await readBack(context, [{ buffer: output.buffer, offset: 0, size: output.buffer.size }]),
  );
  const first = (output.offset ?? 0) / 4;
  const end = first + (output.size ?? 0) / 4;
  all.forEach((word, i) => {
    if ((i < first || i >= end) && word !== GUARD_BITS) {
      throw new Error(`the kernel wrote outside its output, at element ${i - first} of ${end - first}`);
    }
  });
  return all.slice(first, end);
}

/** The values of a {@link guardedOutput}. Fails when anything outside it was written, or anything inside it was not. */
export async function readOutput(context: GpuContext, output: BufferRange): Promise<Float32Array<ArrayBuffer>> {
  const words = await readGuarded(context, output);
  const hole = words.indexOf(UNWRITTEN_BITS);
  if (hole >= 0) throw new Error(`the kernel left element ${hole} of ${words.length} unwritten`);
  return new Float32Array(words.buffer);
}
