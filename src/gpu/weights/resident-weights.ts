import { fail } from '../../base/errors';
import type { QuantType } from '../../gguf/ggml-types';
import { isPlain, tensorsOf, type BoundGraph, type BoundWeight, type WeightTensor } from '../../arch/bind';
import type { GpuContext } from '../device';
import { gpuRowWords } from '../../ops/weight-layout';
import { siblingsOf } from '../../fusions/side-by-side/fusion';
import { isVector, Uploader, type UploadTarget } from './uploader';
import type { WeightPart } from './weight-part';

/** Whole rows of a matrix in one buffer, in the layout of `matmul/`. */
export interface WeightTile {
  readonly buffer: GPUBuffer;
  /** Bytes ahead of the first row: 0 but where matrices of one type share a buffer. */
  readonly offset: number;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix, or the experts' matrices one after another. Tiles cut between experts. */
export interface ResidentMatrix {
  readonly type: QuantType;
  readonly tiles: readonly WeightTile[];
}

/** Matrices of one type that lie in one buffer as if they were one, from its first byte on. */
export interface Stack {
  readonly type: QuantType;
  readonly buffer: GPUBuffer;
  /** Of each of them. */
  readonly rows: readonly number[];
}

export interface LoadOptions {
  readonly context: GpuContext;
  readonly bound: BoundGraph;
  readonly onRead?: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Resident {
  readonly tensor: WeightTensor;
  readonly rowWords: number;
  /** One buffer without rows for a norm. */
  readonly tiles: readonly WeightTile[];
}

/** Every weight of a model on the GPU, each tensor in one buffer or in as few as the adapter's bindings allow. */
export class ResidentWeights {
  readonly bytes: number;
  readonly #context: GpuContext;
  readonly #tensors: ReadonlyMap<string, Resident>;

  private constructor(context: GpuContext, tensors: ReadonlyMap<string, Resident>) {
    this.#context = context;
    this.#tensors = tensors;
    this.bytes = residentBytes(tensors.values());
  }

  /**
   * Reads the whole model, in the order of the file.
   * @throws TracerError `gpu-memory` when the GPU has no room, `run-cancelled`, those of reading the file. Nothing
   * stays behind then.
   */
  static async load(options: LoadOptions): Promise<ResidentWeights> {
    const { context, bound, onRead, signal } = options;
    const stacks = stacksOf(context, bound);
    const allocated = await Promise.allSettled(stacks.map((stack) => allocate(context, stack)));
    const residents = allocated.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const release = (): void => {
      for (const { tiles } of residents) for (const { buffer } of tiles) context.release(buffer);
    };
    const failed = allocated.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      release();
      throw failed.reason;
    }
    const targets = residents.flatMap(({ tensor, tiles }) => tiles.map((tile): UploadTarget => ({ tensor, ...tile })));
    targets.sort(
      (a, b) => a.tensor.part - b.tensor.part || a.tensor.offset - b.tensor.offset || a.firstRow - b.firstRow,
    );
    const uploader = new Uploader(context, 'whole');
    try {
      await uploader.upload(targets, { model: bound.model, onRead, signal });
      await uploader.finish();
    } catch (error) {
      await uploader.abandon();
      release();
      throw error;
    } finally {
      uploader.dispose();
    }
    return new ResidentWeights(context, new Map(residents.map((resident) => [resident.tensor.name, resident])));
  }

  /** Where the tensor of a weight lies. */
  matrix(weight: BoundWeight): ResidentMatrix {
    const { tensor, tiles } = this.#find(weight);
    return { type: tensor.type, tiles };
  }

  vector(weight: BoundWeight): GPUBuffer {
    const [tile] = this.#find(weight).tiles;
    if (tile === undefined) throw fail('internal', `${weight.tensor.name} has no buffer.`, 'Report it.');
    return tile.buffer;
  }

  /** The first of these matrices and those after it that share a buffer with it, from its first byte on; undefined where it is alone. */
  stack(weights: readonly BoundWeight[]): Stack | undefined {
    return firstStack(weights.map((weight) => this.matrix(weight)));
  }

  /** Where a part lies that the weight cache is asked for. */
  place(part: WeightPart): { readonly buffer: GPUBuffer; readonly offset: number } | undefined {
    const resident = this.#tensors.get(part.tensor.name);
    if (resident === undefined) return undefined;
    const tile = resident.tiles.find(
      ({ firstRow, rows }) => firstRow <= part.firstRow && part.firstRow + part.nRows <= firstRow + rows,
    );
    return (
      tile && { buffer: tile.buffer, offset: tile.offset + 4 * resident.rowWords * (part.firstRow - tile.firstRow) }
    );
  }

  dispose(): void {
    for (const { tiles } of this.#tensors.values()) for (const { buffer } of tiles) this.#context.release(buffer);
  }

  #find({ tensor: { name } }: BoundWeight): Resident {
    const found = this.#tensors.get(name);
    if (found === undefined) throw fail('internal', `${name} is not on the GPU.`, 'Report it.', { tensor: name });
    return found;
  }
}

/** See {@link ResidentWeights.stack}. */
export function firstStack(matrices: readonly ResidentMatrix[]): Stack | undefined {
  const rows: number[] = [];
  const [first] = matrices;
  const buffer = first?.tiles[0]?.buffer;
  if (first === undefined || buffer === undefined) return undefined;
  for (const { tiles } of matrices) {
    const [tile, another] = tiles;
    const isNext = rows.length === 0 ? tile?.offset === 0 : (tile?.offset ?? 0) > 0;
    if (tile === undefined || another !== undefined || tile.buffer !== buffer || !isNext) break;
    rows.push(tile.rows);
  }
  return rows.length > 1 ? { type: first.type, buffer, rows } : undefined;
}

/** Bytes that a model takes on the GPU when all of it is kept there. */
export function wholeModelBytes(bound: BoundGraph): number {
  return residentBytes(allTensors(bound).map((tensor) => ({ tensor, rowWords: rowWordsOf(tensor) })));
}

/** Cuts `rows` rows, in whole multiples of `unit`, into as few tiles as `maxBytes` allows; one unit at least. */
export function cutTiles(
  rows: number,
  unit: number,
  rowBytes: number,
  maxBytes: number,
): readonly { readonly firstRow: number; readonly rows: number }[] {
  const units = rows / unit;
  const atMost = Math.max(1, Math.floor(maxBytes / (unit * rowBytes)));
  const count = Math.ceil(units / atMost);
  const each = Math.ceil(units / count) * unit;
  return Array.from({ length: count }, (_, i) => ({ firstRow: i * each, rows: Math.min(each, rows - i * each) }));
}

/** Where weights of a model lie, or will lie. */
export type WeightPlaces = Pick<ResidentWeights, 'matrix' | 'vector' | 'stack'>;

/** Where the weights of a model will lie once they are loaded, in buffers that stand in, one for each stack: for what depends on shapes and types alone. */
export function residentLayout(context: GpuContext, bound: BoundGraph, standIn: () => GPUBuffer): WeightPlaces {
  const placed = new Map<string, ResidentMatrix>();
  const alone = standIn();
  for (const stack of stacksOf(context, bound)) {
    const shared = stack.length > 1 ? standIn() : alone;
    let offset = 0;
    for (const tensor of stack) {
      const cuts = stack.length > 1 ? [{ firstRow: 0, rows: rowsOf(tensor) }] : tilesOf(context, tensor);
      const at = offset;
      placed.set(tensor.name, {
        type: tensor.type,
        tiles: cuts.map((cut) => ({ buffer: shared, offset: at, ...cut })),
      });
      offset += 4 * rowWordsOf(tensor) * rowsOf(tensor);
    }
  }
  const matrix = ({ tensor }: BoundWeight): ResidentMatrix => {
    const found = placed.get(tensor.name);
    if (found === undefined) throw new RangeError(`no weight ${tensor.name}`);
    return found;
  };
  return {
    matrix,
    vector: (weight) => {
      const [tile] = matrix(weight).tiles;
      if (tile === undefined) throw new RangeError(`no place for ${weight.tensor.name}`);
      return tile.buffer;
    },
    stack: (weights) => firstStack(weights.map(matrix)),
  };
}

function rowWordsOf(tensor: WeightTensor): number {
  return isVector(tensor) ? tensor.elements : gpuRowWords(tensor.type, tensor.dims[0] ?? 1);
}

function rowsOf(tensor: WeightTensor): number {
  return isVector(tensor) ? 1 : tensor.elements / (tensor.dims[0] ?? 1);
}

function residentBytes(all: Iterable<Pick<Resident, 'tensor' | 'rowWords'>>): number {
  let bytes = 0;
  for (const { tensor, rowWords } of all) bytes += 4 * rowWords * rowsOf(tensor);
  return bytes;
}

/** Each tensor once: with tied embeddings two weights share one. */
function allTensors({ weights }: BoundGraph): readonly WeightTensor[] {
  const tensors = weights.flatMap(tensorsOf);
  return [...new Map(tensors.map((tensor) => [tensor.name, tensor])).values()];
}

/**
 * What shares a buffer: neighbours of one type among the matrices that multiply one input (q, k and v), where one binding holds them;
 * everything else is alone.
 */
function stacksOf(context: GpuContext, bound: BoundGraph): readonly (readonly WeightTensor[])[] {
  const stacked = new Map<string, WeightTensor[]>();
  for (const section of bound.graph.layers) {
    for (const siblings of siblingsOf(section)) {
      let stack: WeightTensor[] = [];
      for (const slot of siblings.flatMap(({ weights }) => weights)) {
        const weight = bound.weight(slot);
        // Rows of a tensor that holds several weights lie where the file has them, and what is scaled is multiplied alone.
        if (!isPlain(weight)) continue;
        const { tensor } = weight;
        const bytes = [...stack, tensor].reduce((sum, t) => sum + 4 * rowWordsOf(t) * rowsOf(t), 0);
        if (stack[0]?.type !== tensor.type || bytes > context.maxBindingBytes) stack = [];
        stack.push(tensor);
        stacked.set(tensor.name, stack);
      }
    }
  }
  const seen = new Set<readonly WeightTensor[]>();
  return allTensors(bound).flatMap((tensor) => {
    const stack = stacked.get(tensor.name) ?? [tensor];
    if (seen.has(stack)) return [];
    seen.add(stack);
    return [stack];
  });
}

async function allocate(context: GpuContext, stack: readonly WeightTensor[]): Promise<readonly Resident[]> {
  const [only] = stack;
  if (stack.length === 1 && only !== undefined) return [await allocateOne(context, only)];
  const sizes = stack.map((tensor) => 4 * rowWordsOf(tensor) * rowsOf(tensor));
  const label = stack.map((tensor) => tensor.name).join(', ');
  const buffer = await room(
    context,
    label,
    sizes.reduce((a, b) => a + b, 0),
  );
  let offset = 0;
  return stack.map((tensor, i) => {
    const tile = { buffer, offset, firstRow: 0, rows: rowsOf(tensor) };
    offset += sizes[i] ?? 0;
    return { tensor, rowWords: rowWordsOf(tensor), tiles: [tile] };
  });
}

async function allocateOne(context: GpuContext, tensor: WeightTensor): Promise<Resident> {
  const rowWords = rowWordsOf(tensor);
  const tiles: WeightTile[] = [];
  try {
    for (const cut of tilesOf(context, tensor)) {
      tiles.push({ buffer: await room(context, tensor.name, 4 * rowWords * cut.rows), offset: 0, ...cut });
    }
  } catch (error) {
    for (const { buffer } of tiles) context.release(buffer);
    throw error;
  }
  return { tensor, rowWords, tiles };
}

function tilesOf(context: GpuContext, tensor: WeightTensor): ReturnType<typeof cutTiles> {
  const unit = tensor.dims.length === 3 ? (tensor.dims[1] ?? 1) : 1;
  return cutTiles(rowsOf(tensor), unit, 4 * rowWordsOf(tensor), context.maxBindingBytes);
}

async function room(context: GpuContext, name: string, bytes: number): Promise<GPUBuffer> {
  const buffer = await context.tryAllocate(name, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  if (buffer !== undefined) return buffer;
  throw fail(
    'gpu-memory',
    `The GPU has no room for ${bytes} bytes of ${name}.`,
    'Close other programs that use the GPU, or let the weights be streamed under a budget.',
    { tensor: name, bytes },
  );
}
