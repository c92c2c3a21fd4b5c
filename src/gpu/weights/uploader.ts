import { throwIfAborted, whenAborted } from '../../base/abort';
import { settleAll } from '../../base/settle';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import type { ModelFile } from '../../gguf/model-file';
import { joinedRows } from '../../gguf/neighbours';
import { fileBytes, readRows, rowLength, type ReadOptions } from '../../gguf/tensor-rows';
import { BINDING_ALIGNMENT } from '../arena';
import type { GpuContext } from '../device';
import { encodeRepack, isFileLayout, prepareRepack, type REPACK_PLANE } from '../matmul/encode-repack';
import { repackRows } from '../matmul/repack';
import type { Pipeline } from '../pipelines';
import { Recorder } from '../recorder';
import { limiter } from './limiter';
import { gpuBytes, isVector, type PlacedRows } from './placed-rows';
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

export interface UploadOptions extends ReadOptions {
  /** What is read from. */
  readonly model: Pick<ModelFile, 'readTensor'>;
  /** Reads at the same time, where targets are so small that the usual number does not fill a disk. */
  readonly parallel?: number;
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
   * Brings all rows to where they are to lie, in slices, some at a time.
   * @throws TracerError as `ModelFile.readTensor`; `gpu-shader`, `run-cancelled`. Nothing of it is under way any more then.
   */
  async upload(all: readonly PlacedRows[], options: UploadOptions): Promise<void> {
    const { sliceBytes, parallel } = { ...this.#kind, ...options };
    const slices = all.flatMap((rows) => cutSlices(rows, sliceBytes));
    const limit = limiter(parallel);
    const rest = new AbortController();
    const forget = options.signal && whenAborted(options.signal, () => rest.abort());
    try {
      await settleAll(
        slices.map((slice) =>
          limit(() => this.#bring([slice], { ...options, signal: rest.signal })).catch((error: unknown) => {
            rest.abort();
            throw error;
          }),
        ),
      );
    } finally {
      forget?.();
    }
  }

  /**
   * Brings neighbours in one read; rows that are alone come in slices.
   * @throws as {@link upload}
   */
  async uploadRun(run: readonly PlacedRows[], options: UploadOptions): Promise<void> {
    // A binding begins at whole steps, and neighbours lie where the one before ends.
    const isAligned = run.slice(0, -1).every((rows) => fileBytes(rows) % BINDING_ALIGNMENT === 0);
    await (isAligned && run.length > 1 ? this.#bring(run, options) : this.upload(run, options));
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

  /** Brings neighbours in one read. */
  async #bring(run: readonly PlacedRows[], { model, ...options }: UploadOptions): Promise<void> {
    throwIfAborted(options.signal);
    const all = joinedRows(run);
    const { tensor } = all;
    const bytes = fileBytes(all);
    if (this.#staging === undefined || isVector(tensor) || bytes < FEW_BYTES) {
      const read = await readRows(model, all, options);
      let from = 0;
      for (const rows of run) this.#write(rows, read.subarray(from, (from += fileBytes(rows))));
      return;
    }
    const isCopied = isFileLayout(tensor.type, rowLength(tensor));
    const pipeline = isCopied ? undefined : await (this.#repack ??= prepareRepack(this.#context));
    const room = await this.#staging.room(bytes);
    try {
      const read = await readRows(model, all, options, room.bytes);
      if (read !== room.bytes) room.bytes.set(read);
    } catch (error) {
      room.failed();
      throw error;
    }
    await room.arrived((staging, at) => {
      let from = at;
      for (const rows of run) {
        const { buffer, offset } = rows;
        if (pipeline === undefined) this.#recorder.copy(staging, from, buffer, offset, words(fileBytes(rows)));
        else this.#repackLater(pipeline, rows, staging, from);
        from += fileBytes(rows);
      }
    });
  }

  /** Rows by way of the CPU. */
  #write({ tensor, buffer, offset, rows }: PlacedRows, bytes: Uint8Array<ArrayBuffer>): void {
    const { queue } = this.#context.device;
    if (isVector(tensor)) {
      // f32, whatever its type.
      const out = new Float32Array(tensor.elements);
      dequantizeRows(tensor.type, bytes, 0, out, 0, out.length);
      queue.writeBuffer(buffer, offset, out);
      return;
    }
    queue.writeBuffer(buffer, offset, repackRows(tensor.type, bytes, rows, rowLength(tensor)));
  }

  #repackLater(pipeline: Pipeline<typeof REPACK_PLANE>, placed: PlacedRows, staging: GPUBuffer, at: number): void {
    const { tensor, rows, buffer, offset } = placed;
    const raw = this.#rawRoom(staging.size);
    const size = words(fileBytes(placed));
    this.#recorder.copy(staging, at, raw, at, size);
    const source = { buffer: raw, offset: at, size };
    this.#repacks.push(() => {
      const shape = { type: tensor.type, nIn: rowLength(tensor), nRows: rows };
      const what = { ...shape, source, target: { buffer }, to: offset / 4 };
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

function cutSlices(placed: PlacedRows, sliceBytes: number): readonly PlacedRows[] {
  const { tensor, firstRow, rows, offset } = placed;
  const step = Math.max(1, Math.floor(sliceBytes / fileBytes({ tensor, rows: 1 })));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => ({
    ...placed,
    firstRow: firstRow + i * step,
    rows: Math.min(step, rows - i * step),
    offset: offset + gpuBytes({ tensor, rows: i * step }),
  }));
}

/** Bytes in whole words, as copies take them. */
function words(bytes: number): number {
  return Math.ceil(bytes / COPY_ALIGNMENT) * COPY_ALIGNMENT;
}
