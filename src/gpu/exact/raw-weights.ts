import type { ModelFile } from '../../gguf/model-file';
import { fileBytes, readRows, type ReadOptions, type TensorRows, type WeightTensor } from '../../gguf/tensor-rows';
import type { GpuContext } from '../device';
import { limiter } from '../weights/limiter';
import type { PlacedRows } from '../weights/placed-rows';

/** Bytes of a dense matrix that are read at a time; an expert is always read whole. */
const READ_BYTES = 4 * 2 ** 20;
/** Reads under way at once. */
const READS_AT_ONCE = 8;
/** Largest buffer of one slab. */
const SHELF_BYTES = 512 * 2 ** 20;

/** Consecutive granules of one tensor in one buffer; each granule (an expert, or some rows) begins at a multiple of 4 bytes. */
interface Slab {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly filled: Map<number, Promise<void>>;
  lastUse: number;
}

interface Layout {
  /** Of the tensor. */
  readonly rows: number;
  readonly granuleRows: number;
  /** Bytes from one granule to the next. */
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
   * Rows as they are in the file, in pieces that lie in one granule each; offsets are multiples of 4.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  async rows({ tensor, firstRow, rows }: TensorRows, options: ReadOptions): Promise<readonly PlacedRows[]> {
    const layout = layoutOf(tensor, this.#maxBytes());
    const pieces: Promise<PlacedRows>[] = [];
    for (let at = firstRow; at < firstRow + rows;) {
      const granule = Math.floor(at / layout.granuleRows);
      const inside = at - granule * layout.granuleRows;
      const count = Math.min(layout.granuleRows - inside, firstRow + rows - at);
      const slab = this.#slab(tensor, Math.floor(granule / layout.granulesPerSlab), layout);
      const place = { tensor, buffer: slab.buffer, offset: (granule % layout.granulesPerSlab) * layout.stride };
      let filled = slab.filled.get(granule);
      if (filled === undefined) {
        const first = granule * layout.granuleRows;
        const whole = { ...place, firstRow: first, rows: Math.min(layout.granuleRows, layout.rows - first) };
        filled = this.#limited(() => this.#fill(whole, options));
        slab.filled.set(granule, filled);
        filled.catch(() => slab.filled.delete(granule));
      }
      const offset = place.offset + fileBytes({ tensor, rows: inside });
      const piece = { ...place, firstRow: at, rows: count, offset };
      pieces.push(filled.then(() => piece));
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

  async #fill(granule: PlacedRows, options: ReadOptions): Promise<void> {
    const { buffer, offset } = granule;
    const bytes = await readRows(this.#options.model, granule, options);
    const { length } = bytes;
    const whole = Math.ceil(length / 4) * 4;
    let words = bytes;
    if (whole !== length) {
      words = new Uint8Array(whole);
      words.set(bytes);
    }
    this.#options.context.device.queue.writeBuffer(buffer, offset, words);
  }
}

function layoutOf(tensor: WeightTensor, maxBytes: number): Layout {
  const [, nOut = 1, nExpert = 1] = tensor.dims;
  const bytesPerRow = fileBytes({ tensor, rows: 1 });
  const rows = nOut * nExpert;
  // Experts of a stack are chosen one by one; where one is too large, and for dense matrices, some rows at a time.
  const whole = tensor.dims.length > 2 && nOut * bytesPerRow + 8 <= maxBytes;
  const granuleRows = whole ? nOut : Math.max(1, Math.min(rows, Math.floor(READ_BYTES / bytesPerRow)));
  const stride = Math.ceil((granuleRows * bytesPerRow) / 4) * 4;
  return {
    rows,
    granuleRows,
    stride,
    granules: Math.ceil(rows / granuleRows),
    granulesPerSlab: Math.floor((maxBytes - 4) / stride),
  };
}
