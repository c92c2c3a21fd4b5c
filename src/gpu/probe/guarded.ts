import type { GpuContext } from '../device';
import type { BufferRange } from '../recorder';

/** A NaN whose bits no kernel makes: what an output holds where nothing was written. */
export const UNWRITTEN_BITS = 0x7fc0dead;
/** What the guard bands round an output hold. */
const GUARD_BITS = 0x5a5aa5a5;
/** Bytes of one guard band: a binding offset on every adapter. */
const GUARD_BYTES = 256;

/** A storage buffer with these values, padded to whole words. The caller releases it. */
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

/**
 * An output of `length` 4-byte values between two guard bands. It holds `initial`, or {@link UNWRITTEN_BITS} everywhere. The caller
 * releases it.
 */
export function guardedOutput(context: GpuContext, length: number, initial?: Uint32Array): BufferRange {
  const guard = GUARD_BYTES / 4;
  const tail = Math.ceil(length / guard) * guard + guard;
  const words = new Uint32Array(guard + tail).fill(GUARD_BITS);
  words.fill(UNWRITTEN_BITS, guard, guard + length);
  if (initial !== undefined) words.set(initial, guard);
  const { buffer } = upload(context, words);
  return { buffer, offset: GUARD_BYTES, size: length * 4 };
}

/** An output's words, out of all of its buffer, and where the kernel first wrote outside (in elements from the output's first). */
export interface GuardedWords {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly strayAt: number | undefined;
}

/** Takes the words of a {@link guardedOutput} out of the words of its buffer. */
export function withoutGuards(all: Uint32Array<ArrayBuffer>, output: BufferRange): GuardedWords {
  const first = (output.offset ?? 0) / 4;
  const end = first + (output.size ?? 0) / 4;
  const stray = all.findIndex((word, i) => (i < first || i >= end) && word !== GUARD_BITS);
  return { words: all.slice(first, end), strayAt: stray < 0 ? undefined : stray - first };
}
