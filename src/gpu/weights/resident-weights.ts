import { fail } from '../../base/errors';
import type { QuantType } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { WeightRole } from '../../model/stages';
import { findWeight, isOfLayer, WEIGHT_ROLES, weightName, type WeightTensor } from '../../model/weights';
import type { GpuContext } from '../device';
import { gpuRowWords } from '../matmul/weight-layout';
import { isVector, Uploader, type UploadTarget } from './uploader';
import type { WeightPart } from './weight-part';

/** What one dispatch projects. */
const QKV = ['attn_q', 'attn_k', 'attn_v'] as const satisfies readonly WeightRole[];

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
  /** Of all of them. */
  readonly rows: number;
}

export interface LoadOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly hparams: HParams;
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
  readonly #hparams: HParams;
  readonly #tensors: ReadonlyMap<string, Resident>;

  private constructor(context: GpuContext, hparams: HParams, tensors: ReadonlyMap<string, Resident>) {
    this.#context = context;
    this.#hparams = hparams;
    this.#tensors = tensors;
    this.bytes = residentBytes(tensors.values());
  }

  /**
   * Reads the whole model, in the order of the file.
   * @throws TracerError `gpu-memory` when the GPU has no room, `run-cancelled`, those of `findWeight` and of reading the file. Nothing
   * stays behind then.
   */
  static async load(options: LoadOptions): Promise<ResidentWeights> {
    const { context, model, hparams, onRead, signal } = options;
    const stacks = stacksOf(context, model, hparams);
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
      await uploader.upload(targets, { model, onRead, signal });
      await uploader.finish();
    } catch (error) {
      await uploader.abandon();
      release();
      throw error;
    } finally {
      uploader.dispose();
    }
    return new ResidentWeights(
      context,
      hparams,
      new Map(residents.map((resident) => [resident.tensor.name, resident])),
    );
  }

  matrix(role: WeightRole, layer?: number): ResidentMatrix {
    const { tensor, tiles } = this.#find(role, layer);
    return { type: tensor.type, tiles };
  }

  qkv(layer: number): readonly Stack[] {
    const stacks: { type: QuantType; buffer: GPUBuffer; rows: number }[] = [];
    for (const role of QKV) {
      const { type, tiles } = this.matrix(role, layer);
      for (const { buffer, rows } of tiles) {
        const last = stacks.at(-1);
        if (last?.buffer === buffer) last.rows += rows;
        else stacks.push({ type, buffer, rows });
      }
    }
    return stacks;
  }

  vector(role: WeightRole, layer?: number): GPUBuffer {
    const [tile] = this.#find(role, layer).tiles;
    if (tile === undefined) throw fail('internal', `${role} has no buffer.`, 'Report it.');
    return tile.buffer;
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

  #find(role: WeightRole, layer: number | undefined): Resident {
    const name = weightName(role, layer, this.#hparams);
    const found = this.#tensors.get(name);
    if (found === undefined) throw fail('internal', `${name} is not on the GPU.`, 'Report it.', { tensor: name });
    return found;
  }
}

/** Bytes that a model takes on the GPU when all of it is kept there. */
export function wholeModelBytes(model: ModelFile, hparams: HParams): number {
  return residentBytes(allTensors(model, hparams).map((tensor) => ({ tensor, rowWords: rowWordsOf(tensor) })));
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

/** Where the weights of a model will lie once they are loaded, all in one buffer that stands in: for what depends on shapes and types alone. */
export function residentLayout(
  context: GpuContext,
  model: ModelFile,
  hparams: HParams,
  buffer: GPUBuffer,
): Pick<ResidentWeights, 'matrix' | 'vector' | 'qkv'> {
  const stackOf = new Map(stacksOf(context, model, hparams).flatMap((stack) => stack.map(({ name }) => [name, stack])));
  const matrix = (role: WeightRole, layer?: number): ResidentMatrix => {
    const tensor = findWeight(model, hparams, role, layer);
    const cuts =
      (stackOf.get(tensor.name)?.length ?? 1) > 1 ? [{ firstRow: 0, rows: rowsOf(tensor) }] : tilesOf(context, tensor);
    return { type: tensor.type, tiles: cuts.map((cut) => ({ buffer, offset: 0, ...cut })) };
  };
  return {
    matrix,
    vector: () => buffer,
    qkv(layer) {
      const stacks: { of: unknown; type: QuantType; buffer: GPUBuffer; rows: number }[] = [];
      for (const role of QKV) {
        const of = stackOf.get(weightName(role, layer, hparams));
        const { type, tiles } = matrix(role, layer);
        for (const { rows } of tiles) {
          const last = stacks.at(-1);
          if (last?.of === of && (of?.length ?? 1) > 1) last.rows += rows;
          else stacks.push({ of, type, buffer, rows });
        }
      }
      return stacks;
    },
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

/** Each tensor once: with tied embeddings two roles share one. */
function allTensors(model: ModelFile, hparams: HParams): readonly WeightTensor[] {
  const found = new Map<string, WeightTensor>();
  for (const role of WEIGHT_ROLES) {
    const layers = isOfLayer(role) ? Array.from({ length: hparams.nLayer }, (_, l) => l) : [undefined];
    for (const layer of layers) {
      const tensor = findWeight(model, hparams, role, layer);
      found.set(tensor.name, tensor);
    }
  }
  return [...found.values()];
}

/** What shares a buffer: neighbours of one type among q, k and v, where one binding holds them; everything else is alone. */
function stacksOf(context: GpuContext, model: ModelFile, hparams: HParams): readonly (readonly WeightTensor[])[] {
  const stacked = new Map<string, WeightTensor[]>();
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    let stack: WeightTensor[] = [];
    for (const role of QKV) {
      const tensor = findWeight(model, hparams, role, layer);
      const bytes = [...stack, tensor].reduce((sum, t) => sum + 4 * rowWordsOf(t) * rowsOf(t), 0);
      if (stack[0]?.type !== tensor.type || bytes > context.maxBindingBytes) stack = [];
      stack.push(tensor);
      stacked.set(tensor.name, stack);
    }
  }
  const seen = new Set<readonly WeightTensor[]>();
  return allTensors(model, hparams).flatMap((tensor) => {
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
