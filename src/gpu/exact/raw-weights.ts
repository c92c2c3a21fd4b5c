import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightTensor } from '../../model/weights';
import type { GpuContext } from '../device';
import { limiter } from '../weights/limiter';

/** Bytes of a dense matrix that are read at a time; an expert is always read whole. */
const READ_BYTES = 4 * 2 ** 20;
/** Reads under way at once. */
const READS_AT_ONCE = 8;
/** Largest buffer of one slab. */
const SHELF_BYTES = 512 * 2 ** 20;

/** Rows of a tensor as they are in the file, on the GPU. */
export interface RawRows {
  readonly buffer: GPUBuffer;
  /** Bytes into the buffer, a multiple of 4. */
  readonly offset: number;
  /** First row of the tensor. */
  readonly firstRow: number;
  readonly rows: number;
}

/** Consecutive granules of one tensor in one buffer; each granule (an expert, or some rows) begins at a multiple of 4 bytes. */
interface Slab {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly filled: Map<number, Promise<void>>;
  lastUse: number;
}

interface Layout {
  readonly granuleRows: number;
  readonly granuleBytes: number;
  readonly stride: number;
  readonly granules: number;
  readonly granulesPerSlab: number;
}

export interface RawWeightsOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  /** Bytes of weights to keep. */
  readonly budget: number;
}

/** The file's own bytes of weights on the GPU, under a byte budget, read when they are first needed. Not repacked: a repacking bug of the other engine shows. */
export class RawWeights {
  readonly #options: RawWeightsOptions;
  readonly #slabs = new Map<string, Slab>();
  readonly #limited = limiter(READS_AT_ONCE);
  #bytes = 0;
  #clock = 0;

  constructor(options: RawWeightsOptions) {
    this.#options = options;
  }

  /** Marks the beginning of a product: what is asked for from now on is not evicted before the next one begins. */
  begin(): void {
    this.#clock++;
  }

  /** Whether a row of this tensor can be bound at all. */
  fits(tensor: WeightTensor): boolean {
    return layoutOf(tensor, this.#maxBytes()).granulesPerSlab >= 1;
  }

  /**
   * Rows [firstRow, firstRow + rows) of a tensor, in pieces that lie in one granule each.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  async rows(
    tensor: WeightTensor,
    firstRow: number,
    rows: number,
    signal: AbortSignal | undefined,
    onRead: ((tensor: string, bytes: number) => void) | undefined,
  ): Promise<readonly RawRows[]> {
    const layout = layoutOf(tensor, this.#maxBytes());
    const bytesPerRow = rowBytes(tensor.type, tensor.dims[0] ?? 0);
    const pieces: Promise<RawRows>[] = [];
    for (let at = firstRow; at < firstRow + rows;) {
      const granule = Math.floor(at / layout.granuleRows);
      const inside = at - granule * layout.granuleRows;
      const count = Math.min(layout.granuleRows - inside, firstRow + rows - at);
      const slab = this.#slab(tensor, Math.floor(granule / layout.granulesPerSlab), layout);
      const place = (granule % layout.granulesPerSlab) * layout.stride;
      const piece = {
        buffer: slab.buffer,
        offset: place,
        firstRow: granule * layout.granuleRows,
        rows: layout.granuleRows,
      };
      let filled = slab.filled.get(granule);
      if (filled === undefined) {
        filled = this.#limited(() => this.#fill(tensor, granule, layout, piece, signal, onRead));
        slab.filled.set(granule, filled);
        filled.catch(() => slab.filled.delete(granule));
      }
      const part = { ...piece, offset: place + inside * bytesPerRow, firstRow: at, rows: count };
      pieces.push(filled.then(() => part));
      at += count;
    }
    return Promise.all(pieces);
  }

  dispose(): void {
    for (const slab of this.#slabs.values()) this.#options.context.release(slab.buffer);
    this.#slabs.clear();
    this.#bytes = 0;
  }

  #maxBytes(): number {
    return Math.min(this.#options.context.maxBindingBytes, SHELF_BYTES);
  }

  #slab(tensor: WeightTensor, index: number, layout: Layout): Slab {
    const key = `${tensor.name} ${index}`;
    let slab = this.#slabs.get(key);
    if (slab === undefined) {
      const granules = Math.min(layout.granulesPerSlab, layout.granules - index * layout.granulesPerSlab);
      // One word more: a word that begins in the last byte is put together from two.
      const bytes = granules * layout.stride + 4;
      this.#makeRoom(bytes);
      const { context } = this.#options;
      const buffer = context.allocate(key, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
      slab = { buffer, bytes, filled: new Map(), lastUse: this.#clock };
      this.#slabs.set(key, slab);
      this.#bytes += bytes;
    }
    slab.lastUse = this.#clock;
    return slab;
  }

  /** Evicts the slabs that were used longest ago; those of the product that is being prepared stay, even above the budget. */
  #makeRoom(bytes: number): void {
    const { budget, context } = this.#options;
    const oldest = [...this.#slabs].sort(([, a], [, b]) => a.lastUse - b.lastUse);
    for (const [key, slab] of oldest) {
      if (this.#bytes + bytes <= budget || slab.lastUse === this.#clock) return;
      this.#slabs.delete(key);
      this.#bytes -= slab.bytes;
      context.release(slab.buffer);
    }
  }

  async #fill(
    tensor: WeightTensor,
    granule: number,
    layout: Layout,
    piece: RawRows,
    signal: AbortSignal | undefined,
    onRead: ((tensor: string, bytes: number) => void) | undefined,
  ): Promise<void> {
    const offset = granule * layout.granuleBytes;
    const length = Math.min(layout.granuleBytes, tensor.bytes - offset);
    const bytes = await this.#options.model.readTensor(tensor, offset, length, signal);
    onRead?.(tensor.name, length);
    const whole = Math.ceil(length / 4) * 4;
    let words = bytes;
    if (whole !== length) {
      words = new Uint8Array(whole);
      words.set(bytes);
    }
    this.#options.context.device.queue.writeBuffer(piece.buffer, piece.offset, words);
  }
}

function layoutOf(tensor: WeightTensor, maxBytes: number): Layout {
  const [nIn = 0, nOut = 1, nExpert = 1] = tensor.dims;
  const bytesPerRow = rowBytes(tensor.type, nIn);
  const rows = nOut * nExpert;
  // Experts of a stack are chosen one by one; where one is too large, and for dense matrices, some rows at a time.
  const whole = tensor.dims.length > 2 && nOut * bytesPerRow + 8 <= maxBytes;
  const granuleRows = whole ? nOut : Math.max(1, Math.min(rows, Math.floor(READ_BYTES / bytesPerRow)));
  const granuleBytes = granuleRows * bytesPerRow;
  const stride = Math.ceil(granuleBytes / 4) * 4;
  return {
    granuleRows,
    granuleBytes,
    stride,
    granules: Math.ceil(rows / granuleRows),
    granulesPerSlab: Math.floor((maxBytes - 4) / stride),
  };
}
