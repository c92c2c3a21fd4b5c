import { fail } from '../../base/errors';
import type { QuantType } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { WeightRole } from '../../model/stages';
import { findWeight, weightName, WEIGHTS, WEIGHT_ROLES, type WeightTensor } from '../../model/weights';
import type { GpuContext } from '../device';
import { gpuRowWords } from '../matmul/weight-layout';
import { RowLoader } from './row-loader';

/** Whole rows of a tensor in one buffer, from its first byte on, in the layout of `matmul/`. */
export interface ResidentTile {
  readonly buffer: GPUBuffer;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix, or the experts' matrices one after another, on the GPU as a whole. Tiles cut between experts. */
export interface ResidentMatrix {
  readonly type: QuantType;
  /** Bytes from one row to the next. */
  readonly rowBytes: number;
  readonly tiles: readonly ResidentTile[];
}

export interface ResidentOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly onRead?: ((tensor: string, bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All weights of a model on the GPU, each tensor whole: nothing is looked up, read or dropped while a prompt runs. */
export class ResidentWeights {
  readonly bytes: number;
  readonly #context: GpuContext;
  readonly #hparams: HParams;
  readonly #matrices: ReadonlyMap<string, ResidentMatrix>;
  readonly #vectors: ReadonlyMap<string, GPUBuffer>;

  private constructor(
    { context, hparams }: ResidentOptions,
    bytes: number,
    matrices: ReadonlyMap<string, ResidentMatrix>,
    vectors: ReadonlyMap<string, GPUBuffer>,
  ) {
    this.bytes = bytes;
    this.#context = context;
    this.#hparams = hparams;
    this.#matrices = matrices;
    this.#vectors = vectors;
  }

  /**
   * Reads every weight, tensor by tensor in the order of the file, in large slices.
   * @throws TracerError as `findWeight` and `ModelFile.readTensor`; `gpu-memory` when the device has no room, `run-cancelled`.
   */
  static async load(options: ResidentOptions): Promise<ResidentWeights> {
    const { context, model, onRead, signal } = options;
    const pieces = weightsOf(options).flatMap((tensor) => piecesOf(tensor, context.maxBindingBytes));
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffers = await Promise.all(
      pieces.map(({ tensor, bytes }) => context.tryAllocate(tensor.name, bytes, usage)),
    );
    const release = (): void => {
      for (const buffer of buffers) if (buffer !== undefined) context.release(buffer);
    };
    const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
    const targets = pieces.flatMap((piece, i) => {
      const target = buffers[i];
      return target === undefined ? [] : [{ ...piece, target }];
    });
    if (targets.length < pieces.length) {
      release();
      throw noRoom(total);
    }
    const loader = await RowLoader.create({ context, model, onRead, signal });
    try {
      await loader.load(targets);
    } catch (error) {
      await loader.abandon();
      release();
      throw error;
    } finally {
      loader.dispose();
    }
    const matrices = new Map<string, ResidentMatrix & { readonly tiles: ResidentTile[] }>();
    const vectors = new Map<string, GPUBuffer>();
    for (const { tensor, firstRow, rows, target } of targets) {
      if (isVector(tensor)) vectors.set(tensor.name, target);
      else {
        const known = matrices.get(tensor.name) ?? { type: tensor.type, rowBytes: gpuRowBytes(tensor), tiles: [] };
        known.tiles.push({ buffer: target, firstRow, rows });
        matrices.set(tensor.name, known);
      }
    }
    return new ResidentWeights(options, total, matrices, vectors);
  }

  /** Bytes that {@link load} would take. @throws TracerError as `findWeight`. */
  static bytesOf(options: Pick<ResidentOptions, 'model' | 'hparams'>): number {
    const pieces = weightsOf(options).flatMap((tensor) => piecesOf(tensor, Infinity));
    return pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The matrix of a role. */
  matrix(role: WeightRole, layer?: number): ResidentMatrix {
    const name = weightName(role, layer, this.#hparams);
    return this.#matrices.get(name) ?? missing(name);
  }

  /** A norm's weights, f32. */
  vector(role: WeightRole, layer?: number): GPUBuffer {
    const name = weightName(role, layer, this.#hparams);
    return this.#vectors.get(name) ?? missing(name);
  }

  /** Where rows of a tensor lie; undefined when no tile holds them all. */
  place(
    tensor: string,
    firstRow: number,
    rows: number,
  ): { readonly buffer: GPUBuffer; readonly offset: number } | undefined {
    const vector = this.#vectors.get(tensor);
    if (vector !== undefined) return { buffer: vector, offset: 0 };
    const matrix = this.#matrices.get(tensor);
    const tile = matrix?.tiles.find((t) => t.firstRow <= firstRow && firstRow + rows <= t.firstRow + t.rows);
    if (matrix === undefined || tile === undefined) return undefined;
    return { buffer: tile.buffer, offset: (firstRow - tile.firstRow) * matrix.rowBytes };
  }

  dispose(): void {
    for (const { tiles } of this.#matrices.values()) for (const { buffer } of tiles) this.#context.release(buffer);
    for (const buffer of this.#vectors.values()) this.#context.release(buffer);
  }
}

/** Every weight of the model once, in the order of the file. */
function weightsOf({ model, hparams }: Pick<ResidentOptions, 'model' | 'hparams'>): readonly WeightTensor[] {
  const found = new Map<string, WeightTensor>();
  for (const role of WEIGHT_ROLES) {
    const layers = WEIGHTS[role].name.includes('{l}') ? hparams.nLayer : 1;
    for (let layer = 0; layer < layers; layer++) {
      const tensor = findWeight(model, hparams, role, layer);
      found.set(tensor.name, tensor);
    }
  }
  return [...found.values()].sort((a, b) => a.part - b.part || a.offset - b.offset);
}

function isVector({ dims }: WeightTensor): boolean {
  return dims.length === 1;
}

function gpuRowBytes({ type, dims }: WeightTensor): number {
  return 4 * gpuRowWords(type, dims[0] ?? 1);
}

/** What one buffer holds. */
interface Piece {
  readonly tensor: WeightTensor;
  readonly firstRow: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A norm's weights; a matrix in as few tiles as fit a binding, as equal as can be, cut between experts or between rows. */
function piecesOf(tensor: WeightTensor, maxBytes: number): readonly Piece[] {
  if (isVector(tensor)) return [{ tensor, firstRow: 0, rows: 1, bytes: 4 * tensor.elements }];
  const [, nOut = 1, nExpert = 1] = tensor.dims;
  const unit = nExpert > 1 ? nOut : 1;
  const units = nExpert > 1 ? nExpert : nOut;
  const unitBytes = unit * gpuRowBytes(tensor);
  const count = Math.ceil(units / Math.max(1, Math.floor(maxBytes / unitBytes)));
  const each = Math.ceil(units / count);
  return Array.from({ length: count }, (_, i) => {
    const some = Math.min(each, units - i * each);
    return { tensor, firstRow: i * each * unit, rows: some * unit, bytes: some * unitBytes };
  });
}

function noRoom(bytes: number): Error {
  return fail(
    'gpu-memory',
    `The GPU has no room for all ${bytes} bytes of weights at once.`,
    'Close other programs that use the GPU, or let weights be streamed.',
    { bytes },
  );
}

function missing(name: string): never {
  throw fail('internal', `${name} is not among the weights on the GPU.`, 'Please report this.', { tensor: name });
}
