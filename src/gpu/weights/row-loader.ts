import { throwIfAborted } from '../../base/abort';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightTensor } from '../../model/weights';
import type { GpuContext } from '../device';
import { encodeRepack, isFileLayout, prepareRepack, type REPACK_PLANE } from '../matmul/encode-repack';
import { gpuRowWords } from '../matmul/weight-layout';
import type { Pipeline } from '../pipelines';
import { Recorder } from '../recorder';

/** Bytes of one read and one upload: large enough that what a read costs beside its bytes does not count. */
const SLICE_BYTES = 16 * 2 ** 20;
/** Slices that are read, or wait for the GPU, at the same time: what JavaScript and the driver hold of the file. */
const IN_FLIGHT = 6;

export interface RowLoaderOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly onRead: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Brings whole tensors to the GPU: reads ahead in large slices, uploads them as the file holds them, and turns types that lie otherwise on
 * the GPU into their planes there. The disk, the upload and the repacking overlap; the CPU only copies.
 */
export class RowLoader {
  readonly #options: RowLoaderOptions;
  readonly #pipeline: Pipeline<typeof REPACK_PLANE>;
  readonly #recorder: Recorder;
  /** Staging buffers that no submitted work uses. */
  readonly #idle: GPUBuffer[] = [];
  readonly #staging = new Set<GPUBuffer>();
  /** Uploads under way, oldest first. */
  readonly #uploads: Promise<void>[] = [];

  private constructor(options: RowLoaderOptions, pipeline: Pipeline<typeof REPACK_PLANE>) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#recorder = new Recorder(options.context);
  }

  static async create(options: RowLoaderOptions): Promise<RowLoader> {
    return new RowLoader(options, await prepareRepack(options.context));
  }

  /** A norm's weights as f32, whatever their type. @throws TracerError as `ModelFile.readTensor`. */
  async vector(tensor: WeightTensor, target: GPUBuffer): Promise<void> {
    const bytes = await this.#options.model.readTensor(tensor, 0, tensor.bytes, this.#options.signal);
    this.#options.onRead?.(tensor.name, bytes.length);
    const out = new Float32Array(tensor.elements);
    dequantizeRows(tensor.type, bytes, 0, out, 0, out.length);
    this.#options.context.device.queue.writeBuffer(target, 0, out);
  }

  /**
   * Rows `firstRow` .. `firstRow + count` of a tensor to the start of a buffer. Resolves when all are on their way; {@link finish} waits for
   * them. @throws TracerError as `ModelFile.readTensor`, `run-cancelled`.
   */
  async rows(tensor: WeightTensor, firstRow: number, count: number, target: GPUBuffer): Promise<void> {
    const { model, onRead, signal } = this.#options;
    const nIn = tensor.dims[0] ?? 1;
    const fileRow = rowBytes(tensor.type, nIn);
    const step = Math.max(1, Math.floor(SLICE_BYTES / fileRow));
    const slices = Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
      row: i * step,
      rows: Math.min(step, count - i * step),
    }));
    const reads: Promise<Uint8Array<ArrayBuffer>>[] = [];
    const readAhead = (index: number): void => {
      const slice = slices[index];
      if (slice === undefined) return;
      const read = model.readTensor(tensor, (firstRow + slice.row) * fileRow, slice.rows * fileRow, signal);
      // Awaited a few turns later; until then a failure must not count as unhandled.
      read.catch(() => undefined);
      reads.push(read);
    };
    for (let i = 0; i < IN_FLIGHT; i++) readAhead(i);
    for (const [i, slice] of slices.entries()) {
      const bytes = await reads.shift();
      throwIfAborted(signal);
      readAhead(i + IN_FLIGHT);
      if (bytes === undefined) continue;
      onRead?.(tensor.name, bytes.length);
      await this.#upload(tensor, nIn, slice, bytes, target);
    }
  }

  /** Waits until everything has arrived. */
  async finish(): Promise<void> {
    await Promise.all(this.#uploads);
  }

  /** {@link finish} after a failure: nothing that was submitted may still use what is released next. */
  async abandon(): Promise<void> {
    this.#recorder.discard();
    await Promise.allSettled(this.#uploads);
  }

  dispose(): void {
    for (const buffer of this.#staging) this.#options.context.release(buffer);
    this.#staging.clear();
    this.#recorder.dispose();
  }

  async #upload(
    { type }: WeightTensor,
    nIn: number,
    slice: { readonly row: number; readonly rows: number },
    bytes: Uint8Array<ArrayBuffer>,
    target: GPUBuffer,
  ): Promise<void> {
    const { queue } = this.#options.context.device;
    const to = slice.row * gpuRowWords(type, nIn);
    if (isFileLayout(type, nIn)) {
      queue.writeBuffer(target, 4 * to, bytes);
      this.#wait(undefined);
    } else {
      const staging = this.#stagingFor(bytes.length);
      const whole = bytes.length & ~3;
      queue.writeBuffer(staging, 0, bytes, 0, whole);
      if (whole < bytes.length) {
        const tail = new Uint8Array(4);
        tail.set(bytes.subarray(whole));
        queue.writeBuffer(staging, whole, tail);
      }
      const rows = { type, nIn, nRows: slice.rows, source: { buffer: staging }, target: { buffer: target }, to };
      encodeRepack(this.#recorder, this.#pipeline, rows);
      this.#recorder.submit();
      this.#wait(staging);
    }
    if (this.#uploads.length > IN_FLIGHT) await this.#uploads.shift();
  }

  #wait(staging: GPUBuffer | undefined): void {
    const { queue } = this.#options.context.device;
    if (staging === undefined) queue.submit([]);
    const done = queue.onSubmittedWorkDone().then(() => {
      if (staging !== undefined) this.#idle.push(staging);
    });
    done.catch(() => undefined);
    this.#uploads.push(done);
  }

  /** A staging buffer with room for `bytes` that no submitted work uses. */
  #stagingFor(bytes: number): GPUBuffer {
    const { context } = this.#options;
    const at = this.#idle.findIndex((buffer) => buffer.size >= bytes);
    const [found] = at < 0 ? [] : this.#idle.splice(at, 1);
    if (found !== undefined) return found;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = context.allocate('rows as in the file', Math.max(bytes, SLICE_BYTES), usage);
    this.#staging.add(buffer);
    return buffer;
  }
}
