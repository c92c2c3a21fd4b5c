import { fail } from '../../base/errors';
import type { ReadOptions, TensorRows, WeightTensor } from '../../gguf/tensor-rows';
import { isPlain, tensorsOf, type BoundGraph, type BoundWeight } from '../../arch/bind';
import type { GpuContext } from '../device';
import { siblingsOf } from '../../fusions/side-by-side/fusion';
import { gpuBytes, isVector, type PlacedRows } from './placed-rows';
import { Uploader } from './uploader';

export interface LoadOptions extends ReadOptions {
  readonly context: GpuContext;
  readonly bound: BoundGraph;
}

/** Where every weight of a model lies on the GPU: each tensor in one buffer or in as few as the adapter's bindings allow. */
export class WeightPlaces {
  readonly #byTensor = new Map<string, PlacedRows[]>();

  constructor(all: Iterable<PlacedRows>) {
    for (const placed of all) {
      const known = this.#byTensor.get(placed.tensor.name);
      if (known === undefined) this.#byTensor.set(placed.tensor.name, [placed]);
      else known.push(placed);
    }
  }

  /** The rows of a weight's tensor, one buffer after the other; cut between experts. */
  rows({ tensor: { name } }: BoundWeight): readonly PlacedRows[] {
    const found = this.#byTensor.get(name);
    if (found === undefined) throw fail('internal', `${name} is not on the GPU.`, 'Report it.', { tensor: name });
    return found;
  }

  vector(weight: BoundWeight): GPUBuffer {
    const [placed] = this.rows(weight);
    if (placed === undefined) throw fail('internal', `${weight.tensor.name} has no buffer.`, 'Report it.');
    return placed.buffer;
  }

  /**
   * The first of these matrices and those after it that share a buffer with it, from its first byte on, as if they were one; nothing where it
   * is alone.
   */
  stack(weights: readonly BoundWeight[]): readonly PlacedRows[] {
    const stack: PlacedRows[] = [];
    for (const weight of weights) {
      const [placed, another] = this.rows(weight);
      const [first = placed] = stack;
      const isNext = stack.length === 0 ? placed?.offset === 0 : (placed?.offset ?? 0) > 0;
      if (placed === undefined || another !== undefined || placed.buffer !== first?.buffer || !isNext) break;
      stack.push(placed);
    }
    return stack.length > 1 ? stack : [];
  }

  /** Where some rows lie; undefined where they are not in one buffer. */
  place({ tensor, firstRow, rows }: TensorRows): PlacedRows | undefined {
    const placed = this.#byTensor
      .get(tensor.name)
      ?.find((all) => all.firstRow <= firstRow && firstRow + rows <= all.firstRow + all.rows);
    if (placed === undefined) return undefined;
    const offset = placed.offset + gpuBytes({ tensor: placed.tensor, rows: firstRow - placed.firstRow });
    return { ...placed, firstRow, rows, offset };
  }
}

/** Every weight of a model on the GPU. */
export class ResidentWeights extends WeightPlaces {
  readonly bytes: number;
  readonly #context: GpuContext;
  readonly #buffers: ReadonlySet<GPUBuffer>;

  private constructor(context: GpuContext, all: readonly PlacedRows[]) {
    super(all);
    this.#context = context;
    this.#buffers = new Set(all.map(({ buffer }) => buffer));
    this.bytes = bytesOf(all);
  }

  /**
   * Reads the whole model, in the order of the file.
   * @throws TracerError `gpu-memory` when the GPU has no room, `run-cancelled`, those of reading the file. Nothing
   * stays behind then.
   */
  static async load(options: LoadOptions): Promise<ResidentWeights> {
    const { context, bound, onRead, signal } = options;
    const allocated = await Promise.allSettled(
      sharersOf(context, bound).map(async (sharers) => placedIn(await room(context, sharers), sharers)),
    );
    const all = allocated.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const weights = new ResidentWeights(context, all);
    const failed = allocated.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      weights.dispose();
      throw failed.reason;
    }
    const uploader = new Uploader(context, 'whole');
    try {
      const inFileOrder = all.toSorted(
        (a, b) => a.tensor.part - b.tensor.part || a.tensor.offset - b.tensor.offset || a.firstRow - b.firstRow,
      );
      await uploader.upload(inFileOrder, { model: bound.model, onRead, signal });
      await uploader.finish();
    } catch (error) {
      await uploader.abandon();
      weights.dispose();
      throw error;
    } finally {
      uploader.dispose();
    }
    return weights;
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#context.release(buffer);
  }
}

/** Bytes that a model takes on the GPU when all of it is kept there. */
export function wholeModelBytes(bound: BoundGraph): number {
  return bytesOf(tensorsOfGraph(bound).map(wholeTensor));
}

/** Where the weights of a model will lie once they are loaded, in buffers that stand in: for what depends on shapes and types alone. */
export function residentLayout(context: GpuContext, bound: BoundGraph, standIn: () => GPUBuffer): WeightPlaces {
  const alone = standIn();
  return new WeightPlaces(
    sharersOf(context, bound).flatMap((sharers) => placedIn(sharers.length > 1 ? standIn() : alone, sharers)),
  );
}

function bytesOf(all: readonly TensorRows[]): number {
  return all.reduce((sum, rows) => sum + gpuBytes(rows), 0);
}

function wholeTensor(tensor: WeightTensor): TensorRows {
  return { tensor, firstRow: 0, rows: isVector(tensor) ? 1 : tensor.elements / (tensor.dims[0] ?? 1) };
}

/** Each tensor once: with tied embeddings two weights share one. */
function tensorsOfGraph({ weights }: BoundGraph): readonly WeightTensor[] {
  const tensors = weights.flatMap(tensorsOf);
  return [...new Map(tensors.map((tensor) => [tensor.name, tensor])).values()];
}

/**
 * The rows of each buffer: neighbours of one type among the matrices that multiply one input (q, k and v) share one, where one binding holds
 * them; everything else is alone, in as few buffers as bindings allow.
 */
function sharersOf(context: GpuContext, bound: BoundGraph): readonly (readonly TensorRows[])[] {
  const shared = new Map<string, TensorRows[]>();
  for (const section of bound.graph.layers) {
    for (const siblings of siblingsOf(section)) {
      let sharers: TensorRows[] = [];
      for (const slot of siblings.flatMap(({ weights }) => weights)) {
        const weight = bound.weight(slot);
        // Rows of a tensor that holds several weights lie where the file has them, and what is scaled is multiplied alone.
        if (!isPlain(weight)) continue;
        const all = wholeTensor(weight.tensor);
        const fits = bytesOf([...sharers, all]) <= context.maxBindingBytes;
        if (sharers[0]?.tensor.type !== all.tensor.type || !fits) sharers = [];
        sharers.push(all);
        shared.set(all.tensor.name, sharers);
      }
    }
  }
  const sharing = new Set<readonly TensorRows[]>();
  return tensorsOfGraph(bound).flatMap((tensor) => {
    const sharers = shared.get(tensor.name) ?? [];
    if (sharers.length <= 1) return cutTensor(tensor, context.maxBindingBytes).map((rows) => [rows]);
    if (sharing.has(sharers)) return [];
    sharing.add(sharers);
    return [sharers];
  });
}

/** All rows of a tensor, cut between experts, in as few parts as `maxBytes` allows; one expert, or one row, at least. */
function cutTensor(tensor: WeightTensor, maxBytes: number): readonly TensorRows[] {
  const unit = tensor.dims.length === 3 ? (tensor.dims[1] ?? 1) : 1;
  const { rows } = wholeTensor(tensor);
  const atMost = Math.max(1, Math.floor(maxBytes / gpuBytes({ tensor, rows: unit })));
  const count = Math.ceil(rows / unit / atMost);
  const each = Math.ceil(rows / unit / count) * unit;
  return Array.from({ length: count }, (_, i) => {
    return { tensor, firstRow: i * each, rows: Math.min(each, rows - i * each) };
  });
}

function placedIn(buffer: GPUBuffer, sharers: readonly TensorRows[]): readonly PlacedRows[] {
  let next = 0;
  return sharers.map((rows) => {
    const offset = next;
    next += gpuBytes(rows);
    return { ...rows, buffer, offset };
  });
}

async function room(context: GpuContext, sharers: readonly TensorRows[]): Promise<GPUBuffer> {
  const name = sharers.map(({ tensor }) => tensor.name).join(', ');
  const bytes = bytesOf(sharers);
  const buffer = await context.tryAllocate(name, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  if (buffer !== undefined) return buffer;
  throw fail(
    'gpu-memory',
    `The GPU has no room for ${bytes} bytes of ${name}.`,
    'Close other programs that use the GPU, or let the weights be streamed under a budget.',
    { tensor: name, bytes },
  );
}
