import { throwIfAborted, whenAborted } from '../../base/abort';
import { settleAll } from '../../base/settle';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightTensor } from '../../model/weights';
import { BINDING_ALIGNMENT } from '../arena';
import type { GpuContext } from '../device';
import { encodeRepack, isFileLayout, prepareRepack, type REPACK_PLANE } from '../matmul/encode-repack';
import { repackRows } from '../matmul/repack';
import { gpuRowWords } from '../../ops/weight-layout';
import type { Pipeline } from '../pipelines';
import { Recorder } from '../recorder';
import { limiter } from './limiter';
import { StagingRing } from './staging-ring';

const MIB = 2 ** 20;

/** How much of the file is on its way at a time. */
const UPLOADS = {
  /** Parts that a step waits for: small ones share a staging buffer, large ones come in slices. */
  streamed: { sliceBytes: 4 * MIB, parallel: 2, stagings: { most: 6, bytes: 16 * MIB } },
  /** A whole model: slices so large that what a read costs beside its bytes does not count. */
  whole: { sliceBytes: 16 * MIB, parallel: 6, stagings: { most: 6, bytes: 16 * MIB } },
} as const;

/** Bytes that the offset and the size of a copy are whole multiples of. */
const COPY_ALIGNMENT = 4;

/** Rows of fewer bytes are repacked on the CPU: a dispatch takes longer than they do. */
const FEW_BYTES = 64 * 1024;

/** Rows of a tensor and where they go; a norm's weights are one row of f32. */
export interface UploadTarget {
  readonly tensor: WeightTensor;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer ahead of the first row; a multiple of 16. */
  readonly offset: number;
}

export interface UploadOptions {
  /** What is read from. */
  readonly model: Pick<ModelFile, 'readTensor'>;
  readonly onRead?: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Reads at the same time, where targets are so small that the usual number does not fill a disk. */
  readonly parallel?: number;
}

/** What is read at once. */
interface Load {
  readonly tensor: WeightTensor;
  /** Bytes from the tensor's first. */
  readonly offset: number;
  readonly bytes: number;
  /** Where it goes, in the order of the file. */
  readonly pieces: readonly Piece[];
}

/** Rows of a read that lie together on the GPU. */
interface Piece {
  /** Bytes of the read ahead of them. */
  readonly from: number;
  readonly bytes: number;
  readonly rows: number;
  readonly buffer: GPUBuffer;
  /** Byte of the buffer where the first of them goes. */
  readonly to: number;
}

/**
 * Brings rows of weights from the file to the GPU, in the form that the kernels read: reads in slices and turns types that lie
 * otherwise on the GPU into their planes there. A software adapter would do that on the CPU all the same, and thirty times slower: for it,
 * and for a few rows, {@link repackRows} does.
 */
export class Uploader {
  readonly #context: GpuContext;
  readonly #kind: (typeof UPLOADS)[keyof typeof UPLOADS];
  /** Mapped memory, which the file is read into. */
  readonly #staging: StagingRing | undefined;
  #ownRecorder: Recorder | undefined;
  #repack: Promise<Pipeline<typeof REPACK_PLANE>> | undefined;
  /** What turns the rows that were copied into planes, behind all copies of a submit. */
  #repacks: (() => void)[] = [];
  /** Where rows lie that are repacked. Used by one submit after the other: the queue keeps their order. */
  #raw: GPUBuffer | undefined;

  constructor(context: GpuContext, kind: keyof typeof UPLOADS) {
    this.#context = context;
    this.#kind = UPLOADS[kind];
    if (context.card.isSoftware) return;
    this.#staging = new StagingRing(context, this.#kind.stagings, () => {
      for (const repack of this.#repacks.splice(0)) repack();
      this.#recorder.submit();
    });
  }

  /**
   * Brings all of it to the GPU's queue, some slices at a time, across targets.
   * @throws TracerError as `ModelFile.readTensor`; `gpu-shader`, `run-cancelled`. Nothing of it is under way any more then.
   */
  async upload(targets: readonly UploadTarget[], options: UploadOptions): Promise<void> {
    const { sliceBytes, parallel } = { ...this.#kind, ...options };
    const loads = targets.flatMap((target) => cutSlices(target, sliceBytes));
    const limit = limiter(parallel);
    const all = new AbortController();
    const forget = options.signal && whenAborted(options.signal, () => all.abort());
    try {
      await settleAll(
        loads.map((load) =>
          limit(() => this.#bring(load, { ...options, signal: all.signal })).catch((error: unknown) => {
            all.abort();
            throw error;
          }),
        ),
      );
    } finally {
      forget?.();
    }
  }

  /**
   * Brings neighbours in one read: rows of one tensor, each target's behind the one before.
   * @throws as {@link upload}
   */
  async uploadRun(targets: readonly UploadTarget[], options: UploadOptions): Promise<void> {
    const [first] = targets;
    if (first === undefined) return;
    const pieces: Piece[] = [];
    let bytes = 0;
    for (const target of targets) {
      const piece = pieceOf(target, 0, target.rows);
      pieces.push({ ...piece, from: bytes });
      bytes += piece.bytes;
    }
    const { tensor } = first;
    // A binding begins at whole steps, and neighbours lie where the one before ends.
    if (pieces.some(({ from }) => from % BINDING_ALIGNMENT !== 0)) return this.upload(targets, options);
    await this.#bring({ tensor, offset: first.firstRow * fileRow(tensor), bytes, pieces }, options);
  }

  /** Waits until everything has arrived. */
  async finish(): Promise<void> {
    await this.#context.device.queue.onSubmittedWorkDone();
  }

  /** {@link finish} after a failure: nothing that was submitted may still use what is released next. */
  async abandon(): Promise<void> {
    this.#ownRecorder?.discard();
    await Promise.allSettled([this.finish(), this.#staging?.settled()]);
  }

  dispose(): void {
    this.#staging?.dispose();
    if (this.#raw !== undefined) this.#context.release(this.#raw);
    this.#raw = undefined;
    this.#ownRecorder?.dispose();
    this.#ownRecorder = undefined;
  }

  async #bring(load: Load, { model, onRead, signal }: UploadOptions): Promise<void> {
    throwIfAborted(signal);
    const { tensor, offset, bytes, pieces } = load;
    if (this.#staging === undefined || isVector(tensor) || bytes < FEW_BYTES) {
      const read = await model.readTensor(tensor, offset, bytes, signal);
      onRead?.(tensor.name, bytes);
      for (const piece of pieces) this.#write(tensor, piece, read.subarray(piece.from, piece.from + piece.bytes));
      return;
    }
    const nIn = tensor.dims[0] ?? 1;
    const pipeline = isFileLayout(tensor.type, nIn) ? undefined : await (this.#repack ??= prepareRepack(this.#context));
    const room = await this.#staging.room(bytes);
    try {
      const read = await model.readTensor(tensor, offset, bytes, signal, room.bytes);
      if (read !== room.bytes) room.bytes.set(read);
    } catch (error) {
      room.failed();
      throw error;
    }
    onRead?.(tensor.name, bytes);
    await room.arrived((buffer, at) => {
      for (const piece of pieces) {
        if (pipeline === undefined)
          this.#recorder.copy(buffer, at + piece.from, piece.buffer, piece.to, words(piece.bytes));
        else this.#repackLater(pipeline, tensor, piece, buffer, at + piece.from);
      }
    });
  }

  /** Rows by way of the CPU. */
  #write(tensor: WeightTensor, { buffer, to, rows }: Piece, bytes: Uint8Array<ArrayBuffer>): void {
    const { queue } = this.#context.device;
    if (isVector(tensor)) {
      // f32, whatever its type.
      const out = new Float32Array(tensor.elements);
      dequantizeRows(tensor.type, bytes, 0, out, 0, out.length);
      queue.writeBuffer(buffer, to, out);
      return;
    }
    queue.writeBuffer(buffer, to, repackRows(tensor.type, bytes, rows, tensor.dims[0] ?? 1));
  }

  #repackLater(
    pipeline: Pipeline<typeof REPACK_PLANE>,
    { type, dims }: WeightTensor,
    { bytes, rows, buffer: target, to }: Piece,
    staging: GPUBuffer,
    at: number,
  ): void {
    const raw = this.#rawRoom(staging.size);
    this.#recorder.copy(staging, at, raw, at, words(bytes));
    const source = { buffer: raw, offset: at, size: words(bytes) };
    this.#repacks.push(() => {
      const what = { type, nIn: dims[0] ?? 1, nRows: rows, source, target: { buffer: target }, to: to / 4 };
      encodeRepack(this.#recorder, pipeline, what);
    });
  }

  get #recorder(): Recorder {
    return (this.#ownRecorder ??= new Recorder(this.#context));
  }

  #rawRoom(size: number): GPUBuffer {
    if (this.#raw !== undefined && this.#raw.size >= size) return this.#raw;
    if (this.#raw !== undefined) this.#context.release(this.#raw);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#raw = this.#context.allocate('rows as in the file', size, usage);
    return this.#raw;
  }
}

/** Whether a tensor is a norm's weights, which lie on the GPU as f32, and not a matrix. */
export function isVector(tensor: WeightTensor): boolean {
  return tensor.dims.length === 1;
}

function cutSlices(target: UploadTarget, sliceBytes: number): readonly Load[] {
  const { tensor, firstRow, rows } = target;
  const row = fileRow(tensor);
  const step = Math.max(1, Math.floor(sliceBytes / row));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const piece = pieceOf(target, i * step, Math.min(step, rows - i * step));
    return { tensor, offset: (firstRow + i * step) * row, bytes: piece.bytes, pieces: [piece] };
  });
}

/** Some rows of a target, counted from its first. */
function pieceOf({ tensor, buffer, offset }: UploadTarget, first: number, rows: number): Piece {
  const to = offset + 4 * first * gpuRowWords(tensor.type, tensor.dims[0] ?? 1);
  return { from: 0, bytes: rows * fileRow(tensor), rows, buffer, to };
}

function fileRow({ type, dims }: WeightTensor): number {
  return rowBytes(type, dims[0] ?? 1);
}

/** Bytes in whole words, as copies take them. */
function words(bytes: number): number {
  return Math.ceil(bytes / COPY_ALIGNMENT) * COPY_ALIGNMENT;
}
