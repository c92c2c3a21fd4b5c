import { fail } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { WeightRole } from '../../model/stages';
import { findWeight, WEIGHT_ROLES, WEIGHTS, weightName, type WeightTensor } from '../../model/weights';
import type { DecodeWeights, ResidentMatrix, WeightTile } from '../decode/decode-weights';
import type { GpuContext } from '../device';
import { gpuRowWords } from '../matmul/weight-layout';
import { limiter } from './limiter';
import { uploadPart } from './upload-part';
import { vectorPart, type WeightPart } from './weight-part';
import type { WeightPlace } from './weight-cache';

/** Tensors that are read from the file at the same time. */
const PARALLEL_TENSORS = 4;

export interface LoadOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly onRead?: (tensor: string, bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

interface Resident {
  readonly tensor: WeightTensor;
  readonly rowWords: number;
  /** One buffer without rows for a norm. */
  readonly tiles: readonly WeightTile[];
}

/** Every weight of a model on the GPU, each tensor in one buffer or in as few as the adapter's bindings allow. */
export class ResidentWeights implements DecodeWeights {
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
   * Reads the whole model.
   * @throws TracerError `gpu-memory` when the GPU has no room, `run-cancelled`, those of `findWeight` and of reading the file. Nothing
   * stays behind then.
   */
  static async load(options: LoadOptions): Promise<ResidentWeights> {
    const { context, model, hparams, signal } = options;
    const tensors = new Map<string, Resident>();
    const limit = limiter(PARALLEL_TENSORS);
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const one = async (tensor: WeightTensor): Promise<void> => {
      const resident = await allocate(context, tensor);
      tensors.set(tensor.name, resident);
      const upload = { model, queue: context.device.queue, onRead: options.onRead ?? noHook, signal: either };
      for (const [i, part] of partsOf(resident).entries()) {
        const buffer = resident.tiles[i]?.buffer;
        if (buffer !== undefined) await uploadPart(part, buffer, 0, upload);
      }
    };
    try {
      const all = allTensors(model, hparams).map((tensor) =>
        limit(() => one(tensor)).catch((error: unknown) => {
          stop.abort();
          throw error;
        }),
      );
      const failed = (await Promise.allSettled(all)).find((r) => r.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } catch (error) {
      for (const { tiles } of tensors.values()) for (const { buffer } of tiles) context.release(buffer);
      throw error;
    }
    return new ResidentWeights(context, hparams, tensors);
  }

  matrix(role: WeightRole, layer?: number): ResidentMatrix {
    const { tensor, tiles } = this.#find(role, layer);
    return { type: tensor.type, tiles };
  }

  vector(role: WeightRole, layer?: number): GPUBuffer {
    const [tile] = this.#find(role, layer).tiles;
    if (tile === undefined) throw fail('internal', `${role} has no buffer.`, 'Report it.');
    return tile.buffer;
  }

  /** Where a part lies that the weight cache is asked for. */
  place(part: WeightPart): WeightPlace | undefined {
    const resident = this.#tensors.get(part.tensor.name);
    if (resident === undefined || (part.form === 'vector') !== isVector(resident.tensor)) return undefined;
    if (part.form === 'vector') return resident.tiles[0] && { buffer: resident.tiles[0].buffer, offset: 0 };
    const tile = resident.tiles.find(
      ({ firstRow, rows }) => firstRow <= part.firstRow && part.firstRow + part.nRows <= firstRow + rows,
    );
    return tile && { buffer: tile.buffer, offset: 4 * resident.rowWords * (part.firstRow - tile.firstRow) };
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

function noHook(): void {
  // Nobody counts.
}

function isVector(tensor: WeightTensor): boolean {
  return tensor.dims.length === 1;
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
    const layers = WEIGHTS[role].name.includes('{l}') ? Array.from({ length: hparams.nLayer }, (_, l) => l) : [undefined];
    for (const layer of layers) {
      const tensor = findWeight(model, hparams, role, layer);
      found.set(tensor.name, tensor);
    }
  }
  return [...found.values()];
}

async function allocate(context: GpuContext, tensor: WeightTensor): Promise<Resident> {
  const rowWords = rowWordsOf(tensor);
  const rows = rowsOf(tensor);
  const unit = tensor.dims.length === 3 ? (tensor.dims[1] ?? 1) : 1;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const tiles: WeightTile[] = [];
  for (const cut of cutTiles(rows, unit, 4 * rowWords, context.maxBindingBytes)) {
    const bytes = 4 * rowWords * cut.rows;
    const buffer = await context.tryAllocate(tensor.name, bytes, usage);
    if (buffer === undefined) {
      for (const tile of tiles) context.release(tile.buffer);
      throw fail(
        'gpu-memory',
        `The GPU has no room for ${bytes} bytes of ${tensor.name}.`,
        'Close other programs that use the GPU, or let the weights be streamed under a budget.',
        { tensor: tensor.name, bytes },
      );
    }
    tiles.push({ buffer, ...cut });
  }
  return { tensor, rowWords, tiles };
}

function partsOf({ tensor, rowWords, tiles }: Resident): readonly WeightPart[] {
  if (isVector(tensor)) return [vectorPart(tensor)];
  const nIn = tensor.dims[0] ?? 1;
  return tiles.map(({ firstRow, rows }) => ({
    key: `${tensor.name}:${firstRow}+${rows}`,
    tensor,
    form: 'rows',
    nIn,
    firstRow,
    nRows: rows,
    bytes: 4 * rowWords * rows,
    expert: undefined,
  }));
}
