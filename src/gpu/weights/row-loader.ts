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
/** Slices that are being read, and slices that wait for the GPU: what JavaScript and the driver hold of the file, half each. */
const IN_FLIGHT = 6;

export interface RowLoaderOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly onRead: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Rows of a tensor and the buffer that they fill from its first byte on; a norm's weights are one row of f32. */
export interface LoadTarget {
  readonly tensor: WeightTensor;
  readonly firstRow: number;
  readonly rows: number;
  readonly target: GPUBuffer;
}

/** What is read and uploaded at once. */
interface Slice {
  readonly tensor: WeightTensor;
  /** Bytes from the tensor's first. */
  readonly offset: number;
  readonly bytes: number;
  /** Rows, from row `row` of the target on. */
  readonly row: number;
  readonly rows: number;
  readonly target: GPUBuffer;
}

function cutSlices({ tensor, firstRow, rows, target }: LoadTarget): readonly Slice[] {
  const fileRow = rowBytes(tensor.type, tensor.dims[0] ?? 1);
  const step = Math.max(1, Math.floor(SLICE_BYTES / fileRow));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const row = i * step;
    const count = Math.min(step, rows - row);
    return { tensor, offset: (firstRow + row) * fileRow, bytes: count * fileRow, row, rows: count, target };
  });
}

/**
 * Brings whole tensors to the GPU: reads ahead in large slices, uploads them as the file holds them, and turns types that lie otherwise on
 * the GPU into their planes there. The disk, the upload and the repacking overlap; the CPU copies each byte once.
 */
export class RowLoader {
  readonly #options: RowLoaderOptions;
  readonly #pipeline: Pipeline<typeof REPACK_PLANE>;
  readonly #recorder: Recorder;
  /** Buffers that are mapped, or will be once the GPU has read them; the one that is ready first comes first. */
  readonly #mapped: Promise<GPUBuffer>[] = [];
  readonly #stagings = new Set<GPUBuffer>();
  /** Where rows lie that are repacked. Used by one slice after the other: the queue keeps their order. */
  #raw: GPUBuffer | undefined;

  private constructor(options: RowLoaderOptions, pipeline: Pipeline<typeof REPACK_PLANE>) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#recorder = new Recorder(options.context);
  }

  static async create(options: RowLoaderOptions): Promise<RowLoader> {
    return new RowLoader(options, await prepareRepack(options.context));
  }

  /**
   * Brings all of it to the GPU, one slice after another, reading ahead across tensors. Resolves when everything is there.
   * @throws TracerError as `ModelFile.readTensor`, `run-cancelled`.
   */
  async load(targets: readonly LoadTarget[]): Promise<void> {
    const { model, onRead, signal } = this.#options;
    const slices = targets.flatMap(cutSlices);
    const reads: Promise<Uint8Array<ArrayBuffer>>[] = [];
    const readAhead = (index: number): void => {
      const slice = slices[index];
      if (slice === undefined) return;
      const read = model.readTensor(slice.tensor, slice.offset, slice.bytes, signal);
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
      onRead?.(slice.tensor.name, bytes.length);
      if (slice.tensor.dims.length === 1) this.#uploadVector(slice, bytes);
      else await this.#uploadRows(slice, bytes);
    }
    await this.finish();
  }

  /** Waits until everything has arrived. */
  async finish(): Promise<void> {
    await this.#options.context.device.queue.onSubmittedWorkDone();
  }

  /** {@link finish} after a failure: nothing that was submitted may still use what is released next. */
  async abandon(): Promise<void> {
    this.#recorder.discard();
    await Promise.allSettled([this.finish(), ...this.#mapped]);
  }

  dispose(): void {
    const { context } = this.#options;
    for (const buffer of this.#stagings) context.release(buffer);
    this.#stagings.clear();
    if (this.#raw !== undefined) context.release(this.#raw);
    this.#raw = undefined;
    this.#recorder.dispose();
  }

  /** Rows as the file holds them to their place, through a mapped buffer: the only copy that the CPU makes. */
  async #uploadRows({ tensor, rows: nRows, row, target }: Slice, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { type } = tensor;
    const nIn = tensor.dims[0] ?? 1;
    const recorder = this.#recorder;
    const size = Math.ceil(bytes.length / 4) * 4;
    const staging = await this.#staging(size);
    new Uint8Array(staging.getMappedRange(0, size)).set(bytes);
    staging.unmap();
    const to = row * gpuRowWords(type, nIn);
    if (isFileLayout(type, nIn)) recorder.copy(staging, 0, target, 4 * to, size);
    else {
      const raw = this.#rawRoom(size);
      recorder.copy(staging, 0, raw, 0, size);
      const rows = { type, nIn, nRows, source: { buffer: raw }, target: { buffer: target }, to };
      encodeRepack(recorder, this.#pipeline, rows);
    }
    recorder.submit();
    const again = staging.mapAsync(GPUMapMode.WRITE).then(() => staging);
    again.catch(() => undefined);
    this.#mapped.push(again);
  }

  /** A norm's weights as f32, whatever their type. */
  #uploadVector({ tensor, target }: Slice, bytes: Uint8Array<ArrayBuffer>): void {
    const out = new Float32Array(tensor.elements);
    dequantizeRows(tensor.type, bytes, 0, out, 0, out.length);
    this.#options.context.device.queue.writeBuffer(target, 0, out);
  }

  /** A mapped buffer of at least `size` bytes. */
  async #staging(size: number): Promise<GPUBuffer> {
    if (this.#stagings.size >= IN_FLIGHT) {
      const oldest = await this.#mapped.shift();
      if (oldest !== undefined && oldest.size >= size) return oldest;
      if (oldest !== undefined) this.#release(oldest);
    }
    const { context } = this.#options;
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    const buffer = context.allocate('slice', Math.max(size, SLICE_BYTES), usage);
    this.#stagings.add(buffer);
    await buffer.mapAsync(GPUMapMode.WRITE);
    return buffer;
  }

  #release(buffer: GPUBuffer): void {
    this.#stagings.delete(buffer);
    this.#options.context.release(buffer);
  }

  #rawRoom(size: number): GPUBuffer {
    const { context } = this.#options;
    if (this.#raw !== undefined && this.#raw.size >= size) return this.#raw;
    if (this.#raw !== undefined) context.release(this.#raw);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#raw = context.allocate('rows as in the file', Math.max(size, SLICE_BYTES), usage);
    return this.#raw;
  }
}
