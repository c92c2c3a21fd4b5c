import type { GraphNames } from './stage-of-node';
import type { CapturedValues } from './strided-values';
import type { ErrorData } from '../../base/errors';
import type { GraphParameter } from '../../model/graph-parameters';

/*
 * What the child process tells the engine, in frames over a pipe: u32 LE length of a JSON header, u32 LE length of a payload, header,
 * payload. The child writes while it computes, and waits where nobody reads: a layer's captures need no memory twice.
 */

export type Frame =
  | { readonly type: 'ready'; readonly about: Library }
  | {
      readonly type: 'capture';
      readonly stage: string;
      readonly layer?: number;
      /** ggml's `ne`: the fastest axis first. */
      readonly ne: readonly number[];
      readonly values: 'f32' | 'i32';
      /** Which run of the graph: a prompt longer than a micro-batch takes several. */
      readonly graph: number;
      /** The operation and the buffer that made it: `MUL_MAT`, `CPU_REPACK`, `Vulkan0`. */
      readonly op: string;
      readonly buffer: string;
    }
  | { readonly type: 'done'; readonly end: DecodeEnd }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** What was loaded. */
export interface Library {
  readonly path: string;
  readonly version: string | null;
  readonly ggmlVersion: string | null;
  readonly commit: string | null;
  /** The devices that the model was given. */
  readonly devices: readonly string[];
  readonly nVocab: number;
  readonly nLayer: number;
}

/** The end of one decode. */
export interface DecodeEnd {
  readonly graphs: number;
  readonly logitRows: number;
  readonly logitRowsChanged: number;
  readonly largestLogitChange: number;
  readonly plainMs: number;
  readonly capturedMs: number;
  readonly peakBytes: number;
  readonly parameters: readonly GraphParameter[];
  /** Whether attention was one fused operation. */
  readonly fusedAttention: boolean;
}

/** What the engine asks of the child, one JSON line each on its standard input. */
export type ChildCommand =
  | {
      readonly command: 'open';
      readonly ffi: string;
      readonly library: string;
      readonly model: string;
      readonly backend: string;
      readonly flashAttention: string;
      readonly kv: string;
      readonly threads: number;
      /** 0: as long as the prompt. */
      readonly ubatch: number;
      readonly names: GraphNames;
    }
  /** Positions `nPast` on. `room`: positions that the context must hold in the end. */
  | { readonly command: 'decode'; readonly tokens: readonly number[]; readonly nPast: number; readonly room: number };

const HEAD_BYTES = 8;
/** A header is a few hundred bytes; a longer one is no frame. */
const MAX_HEADER = 1 << 20;

/** The bytes before a frame's payload. */
export function encodeHead(frame: Frame, payloadBytes: number): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(frame));
  const bytes = new Uint8Array(HEAD_BYTES + header.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.length, true);
  view.setUint32(4, payloadBytes, true);
  bytes.set(header, HEAD_BYTES);
  return bytes;
}

export interface ReadFrame {
  readonly frame: Frame;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Reads frames off a stream of chunks. Ends where the stream ends between two frames. @throws RangeError where bytes are no frame */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadFrame> {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  /** `length` bytes of their own, or undefined at the end of the stream. */
  const take = async (length: number): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const out = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (rest.length === 0) {
        const next = await iterator.next();
        if (next.done === true) {
          if (filled === 0) return undefined;
          throw new RangeError('the stream ends inside a frame');
        }
        rest = next.value;
      }
      const part = rest.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    return out;
  };
  for (;;) {
    const head = await take(HEAD_BYTES);
    if (head === undefined) return;
    const view = new DataView(head.buffer);
    const [headerBytes, payloadBytes] = [view.getUint32(0, true), view.getUint32(4, true)];
    if (headerBytes > MAX_HEADER) throw new RangeError(`a header of ${headerBytes} bytes`);
    const header = await take(headerBytes);
    const payload = payloadBytes === 0 ? new Uint8Array(0) : await take(payloadBytes);
    if (header === undefined || payload === undefined) throw new RangeError('the stream ends inside a frame');
    // The other end is this package's own child process.
    yield { frame: JSON.parse(new TextDecoder().decode(header)) as Frame, payload };
  }
}

/** The payload of a capture. */
export function valuesOf(values: 'f32' | 'i32', { buffer }: Uint8Array<ArrayBuffer>): CapturedValues {
  return values === 'f32' ? new Float32Array(buffer) : new Int32Array(buffer);
}
