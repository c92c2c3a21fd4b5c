import { throwIfAborted } from '../../base/abort';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightTensor } from '../../model/weights';
import type { GpuContext } from '../device';
import { encodeRepack, isFileLayout, prepareRepack, type REPACK_PLANE } from '../matmul/encode-repack';
import { repackRows } from '../matmul/repack';
import { gpuRowWords } from '../../ops/weight-layout';
import type { Pipeline } from '../pipelines';
import { Recorder } from '../recorder';
import { StagingRing } from './staging-ring';

const MIB = 2 ** 20;

/** How much of the file is on its way at a time. */
const UPLOADS = {
  /** A part that a step waits for: one slice being uploaded, the next one being read. */
  streamed: { sliceBytes: 4 * MIB, readsAhead: 1, stagings: 8 },
  /** A whole model: slices so large that what a read costs beside its bytes does not count. */
  whole: { sliceBytes: 16 * MIB, readsAhead: 6, stagings: 6 },
} as const;

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
  /** What is read from; the model itself, or one read of several parts. */
  readonly model: Pick<ModelFile, 'readTensor'>;
  readonly onRead?: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Reads at the same time, where targets are so small that the usual number does not fill a disk. */
  readonly readsAhead?: number;
}

/** What is read and uploaded at once. */
interface Slice {
  readonly tensor: WeightTensor;
  /** Bytes from the tensor's first. */
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly buffer: GPUBuffer;
  /** Byte of the buffer where the first of them goes. */
  readonly to: number;
}

/**
 * Brings rows of weights from the file to the GPU, in the form that the kernels read: reads ahead in slices and turns types that lie
 * otherwise on the GPU into their planes there. A software adapter would do that on the CPU all the same, and thirty times slower: for it,
 * and for a few rows, {@link repackRows} does.
 */
export class Uploader {
  readonly #context: GpuContext;
  readonly #kind: (typeof UPLOADS)[keyof typeof UPLOADS];
  /** Mapped memory, through which the CPU copies each byte once. */
  readonly #staging: StagingRing | undefined;
  #ownRecorder: Recorder | undefined;
  #repack: Promise<Pipeline<typeof REPACK_PLANE>> | undefined;
  /** Where rows lie that are repacked. Used by one slice after the other: the queue keeps their order. */
  #raw: GPUBuffer | undefined;

  constructor(context: GpuContext, kind: keyof typeof UPLOADS) {
    this.#context = context;
    this.#kind = UPLOADS[kind];
    if (!context.card.isSoftware) this.#staging = new StagingRing(context, this.#kind.stagings, this.#kind.sliceBytes);
  }

  /**
   * Brings all of it to the GPU's queue, one slice after another, reading ahead across targets.
   * @throws TracerError as `ModelFile.readTensor`; `gpu-shader`, `run-cancelled`.
   */
  async upload(targets: readonly UploadTarget[], options: UploadOptions): Promise<void> {
    const { sliceBytes } = this.#kind;
    const { model, onRead, signal, readsAhead = this.#kind.readsAhead } = options;
    const slices = targets.flatMap((target) => cutSlices(target, sliceBytes));
    const reads: Promise<Uint8Array<ArrayBuffer>>[] = [];
    const readNext = (index: number): void => {
      const slice = slices[index];
      if (slice === undefined) return;
      const read = model.readTensor(slice.tensor, slice.offset, slice.bytes, signal);
      // Awaited a few turns later; until then a failure must not count as unhandled.
      read.catch(() => undefined);
      reads.push(read);
    };
    for (let i = 0; i < readsAhead; i++) readNext(i);
    for (const [i, slice] of slices.entries()) {
      const bytes = await reads.shift();
      throwIfAborted(signal);
      readNext(i + readsAhead);
      if (bytes === undefined) continue;
      onRead?.(slice.tensor.name, bytes.length);
      await this.#put(slice, bytes);
    }
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

  async #put(slice: Slice, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { tensor, rows, buffer, to } = slice;
    const { queue } = this.#context.device;
    const nIn = tensor.dims[0] ?? 1;
    if (isVector(tensor)) {
      // f32, whatever its type.
      const out = new Float32Array(tensor.elements);
      dequantizeRows(tensor.type, bytes, 0, out, 0, out.length);
      queue.writeBuffer(buffer, to, out);
      return;
    }
    if (this.#staging === undefined || bytes.length < FEW_BYTES) {
      queue.writeBuffer(buffer, to, repackRows(tensor.type, bytes, rows, nIn));
      return;
    }
    const pipeline = isFileLayout(tensor.type, nIn) ? undefined : await (this.#repack ??= prepareRepack(this.#context));
    const staging = await this.#staging.fill(bytes);
    // From here on without a wait: other uploads use the same raw memory.
    if (pipeline === undefined) this.#recorder.copy(staging.buffer, 0, buffer, to, staging.size);
    else {
      const raw = this.#rawRoom(bytes.length);
      this.#recorder.copy(staging.buffer, 0, raw, 0, staging.size);
      const what = { type: tensor.type, nIn, nRows: rows, source: { buffer: raw }, target: { buffer }, to: to / 4 };
      encodeRepack(this.#recorder, pipeline, what);
    }
    this.#recorder.submit();
    staging.giveBack();
  }

  get #recorder(): Recorder {
    return (this.#ownRecorder ??= new Recorder(this.#context));
  }

  #rawRoom(size: number): GPUBuffer {
    if (this.#raw !== undefined && this.#raw.size >= size) return this.#raw;
    if (this.#raw !== undefined) this.#context.release(this.#raw);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#raw = this.#context.allocate('rows as in the file', Math.max(size, this.#kind.sliceBytes), usage);
    return this.#raw;
  }
}

/** Whether a tensor is a norm's weights, which lie on the GPU as f32, and not a matrix. */
export function isVector(tensor: WeightTensor): boolean {
  return tensor.dims.length === 1;
}

function cutSlices({ tensor, firstRow, rows, buffer, offset }: UploadTarget, sliceBytes: number): readonly Slice[] {
  const nIn = tensor.dims[0] ?? 1;
  const fileRow = rowBytes(tensor.type, nIn);
  const step = Math.max(1, Math.floor(sliceBytes / fileRow));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const row = i * step;
    const count = Math.min(step, rows - row);
    const to = offset + 4 * row * gpuRowWords(tensor.type, nIn);
    return { tensor, offset: (firstRow + row) * fileRow, bytes: count * fileRow, rows: count, buffer, to };
  });
}
