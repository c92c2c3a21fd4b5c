import { throwIfAborted } from '../../base/abort';
import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import { rowLength, type ReadOptions, type TensorRows, type WeightTensor } from '../../gguf/tensor-rows';
import type { GpuContext } from '../device';
import { linearGrid } from '../../ops/kernel-grid';
import { getPipeline } from '../pipelines';
import { readBack } from '../readback';
import { Recorder, type BufferRange } from '../recorder';
import {
  EXACT_KERNELS,
  EXACT_LANES,
  exactType,
  floatVariant,
  magnitudeVariant,
  productVariant,
  type ExactType,
} from './exact-kernels';
import type { GridRow } from './grid-rows';
import type { PlacedRows } from '../weights/placed-rows';
import { RawWeights } from './raw-weights';

/** Bytes of x as f64, and of y, that one submit may take; the digits of x take as many again. */
const BATCH_BYTES = 64 * 2 ** 20;
/** Lanes that a hardware GPU wants before it has enough to do: below that, several share a row of weights. */
const ENOUGH_LANES = 2 ** 16;

/** Consecutive rows of a tensor times rows of x that are on grids. */
export interface ExactJob extends TensorRows {
  /** The rows of x. */
  readonly x: readonly GridRow[];
  /** For magnitudes: |x| rounded up to f32, (nIn) each; none where they are not wanted. */
  readonly sizes: readonly Float32Array[];
}

export interface ExactResult {
  /** (x.length, rows); NaN where the kernel refused the row: it must be computed elsewhere. */
  readonly y: Float64Array<ArrayBuffer>;
  /** (sizes.length, rows, 2): sum |w||x| and sum |w|, in f32 of any rounding. */
  readonly sums: Float32Array<ArrayBuffer>;
}

/** A piece of one job that one submit computes: some of its rows of x. */
interface Slice {
  readonly job: number;
  readonly from: number;
  readonly count: number;
}

interface Entry {
  readonly rows: PlacedRows;
  readonly firstX: number;
  readonly nX: number;
  readonly out: number;
  readonly stride: number;
}

/**
 * Exact products on a GPU: integer sums of the file's own codes with x on a grid, rounded once to f64 (`shaders/exact/`). Independent of the
 * engine under test: other kernels, weights not repacked. Calls do not overlap.
 */
export class ExactProducts {
  readonly #context: GpuContext;
  readonly #weights: RawWeights;
  readonly #recorder: Recorder;

  constructor(context: GpuContext, model: ModelFile, budget: number) {
    this.#context = context;
    this.#weights = new RawWeights({ context, model, budget });
    this.#recorder = new Recorder(context);
  }

  /** Whether these kernels multiply this tensor. */
  canMultiply(tensor: WeightTensor): boolean {
    return exactType(tensor.type) !== undefined && this.#weights.fits(tensor);
  }

  /**
   * Results in the order of `jobs`; all tensors pass {@link canMultiply}.
   * @throws TracerError `run-cancelled`, `gpu-*`, as `ModelFile.readTensor`
   */
  async multiply(jobs: readonly ExactJob[], options: ReadOptions): Promise<readonly ExactResult[]> {
    const results = jobs.map(({ x, rows, sizes }) => ({
      y: new Float64Array(x.length * rows),
      sums: new Float32Array(2 * sizes.length * rows),
    }));
    for (const [tensorType, indices] of byShape(jobs)) {
      for (const slices of batches(jobs, indices)) {
        throwIfAborted(options.signal);
        await this.#context.step(() => this.#batch(tensorType, jobs, slices, results, options));
      }
    }
    return results;
  }

  dispose(): void {
    this.#recorder.dispose();
    this.#weights.dispose();
  }

  async #batch(
    type: ExactType,
    jobs: readonly ExactJob[],
    slices: readonly Slice[],
    results: readonly ExactResult[],
    options: ReadOptions,
  ): Promise<void> {
    this.#weights.begin();
    const raw = await Promise.all(slices.map(({ job }) => this.#weights.rows(at(jobs, job), options)));
    const temporary: GPUBuffer[] = [];
    try {
      const products = await this.#products(type, jobs, slices, raw, temporary);
      const magnitudes = await this.#magnitudes(type, jobs, slices, raw, temporary);
      this.#recorder.submit();
      const bytes = await readBack(this.#context, [products, ...(magnitudes === undefined ? [] : [magnitudes])]);
      const y = new Float64Array(bytes, 0, products.size / 8);
      const sums = magnitudes === undefined ? undefined : new Float32Array(bytes, products.size);
      let yAt = 0;
      let sumsAt = 0;
      for (const { job, from, count } of slices) {
        const { rows, sizes } = at(jobs, job);
        const result = at(results, job);
        result.y.set(y.subarray(yAt, yAt + count * rows), from * rows);
        yAt += count * rows;
        // Magnitudes are taken with the first slice of a job, whole.
        if (from > 0 || sums === undefined) continue;
        const length = 2 * sizes.length * rows;
        result.sums.set(sums.subarray(sumsAt, sumsAt + length));
        sumsAt += length;
      }
    } finally {
      this.#recorder.discard();
      for (const buffer of temporary) this.#context.release(buffer);
    }
  }

  /** Records slicing x and the products. */
  async #products(
    type: ExactType,
    jobs: readonly ExactJob[],
    slices: readonly Slice[],
    raw: readonly (readonly PlacedRows[])[],
    temporary: GPUBuffer[],
  ): Promise<{ readonly buffer: GPUBuffer; readonly offset: number; readonly size: number }> {
    const { tensor } = at(jobs, at(slices, 0).job);
    const nIn = rowLength(tensor);
    const { x, firstX } = distinctRows(jobs, slices);
    const values = new Float64Array(x.length * nIn);
    for (const [i, row] of x.entries()) values.set(row.values, i * nIn);
    const buffers = {
      x: this.#upload('exact x', new Uint8Array(values.buffer), temporary),
      units: this.#upload(
        'exact units',
        Int32Array.from(x, (row) => row.unit),
        temporary,
      ),
      digits: this.#storage('exact digits', values.byteLength, temporary),
    };
    if (type.kind === 'blocks') {
      const pipeline = await getPipeline(this.#context, EXACT_KERNELS.slices, EXACT_KERNELS.slices.variants[0]);
      const count = (x.length * nIn) / 4;
      this.#recorder.dispatch(pipeline, buffers, { count, quads: nIn / 4 }, linearGrid(count, 64));
    } else {
      const pipeline = await getPipeline(this.#context, EXACT_KERNELS.toFixed, EXACT_KERNELS.toFixed.variants[0]);
      const ranges = { x: buffers.x, units: buffers.units, y: buffers.digits };
      this.#recorder.dispatch(pipeline, ranges, { count: x.length * nIn, nIn }, linearGrid(x.length * nIn, 64));
    }

    let out = 0;
    const entries = slices.map(({ job, count }, i) => {
      const { rows, firstRow } = at(jobs, job);
      const start = out;
      out += count * rows;
      return at(raw, i).map((piece) => ({
        rows: piece,
        firstX: at(firstX, i),
        nX: count,
        out: start + piece.firstRow - firstRow,
        stride: rows,
      }));
    });
    const y = this.#storage('exact y', out * 8, temporary);
    const all = entries.flat();
    const tokens = at(slices, 0).count === 1 && slices.every(({ count }) => count === 1) ? 1 : 4;
    const split = this.#split(all, type.kind === 'blocks' ? tokens : 1);
    const kernel = type.kind === 'blocks' ? EXACT_KERNELS.products : EXACT_KERNELS.floatProducts;
    const variant = type.kind === 'blocks' ? productVariant(type.file, tokens, split) : floatVariant(type.file, split);
    const pipeline = await getPipeline(this.#context, kernel, variant);
    const perGroup = type.kind === 'blocks' ? tokens : 1;
    this.#dispatch(all, (buffer, table, grid) => {
      this.#recorder.dispatch(
        pipeline,
        { entries: table, x: buffers.digits, units: buffers.units, weights: { buffer }, y },
        { rowBytes: rowBytes(tensor.type, nIn), nIn },
        [Math.ceil(grid.rows / (EXACT_LANES / split)), Math.ceil(grid.nX / perGroup), grid.entries],
      );
    });
    return { buffer: y.buffer, offset: 0, size: out * 8 };
  }

  /** Records the sums of absolute products; undefined where no job wants them. */
  async #magnitudes(
    type: ExactType,
    jobs: readonly ExactJob[],
    slices: readonly Slice[],
    raw: readonly (readonly PlacedRows[])[],
    temporary: GPUBuffer[],
  ): Promise<{ readonly buffer: GPUBuffer; readonly offset: number; readonly size: number } | undefined> {
    const wanted = slices.flatMap(({ job, from }, i) => {
      const { sizes } = at(jobs, job);
      return from === 0 && sizes.length > 0 ? [{ job: at(jobs, job), rows: at(raw, i) }] : [];
    });
    const first = wanted[0];
    if (first === undefined) return undefined;
    const nIn = rowLength(first.job.tensor);
    const placed = new Map<Float32Array, number>();
    for (const { job } of wanted) for (const row of job.sizes) if (!placed.has(row)) placed.set(row, placed.size);
    const values = new Float32Array(placed.size * nIn);
    for (const [row, i] of placed) values.set(row, i * nIn);
    const x = this.#upload('exact |x|', values, temporary);
    let out = 0;
    const entries = wanted.flatMap(({ job, rows }) => {
      const start = out;
      out += job.sizes.length * job.rows;
      return runsOf(job.sizes.map((row) => placed.get(row) ?? 0)).flatMap((run) =>
        rows.map((piece) => ({
          rows: piece,
          firstX: run.first,
          nX: run.count,
          out: start + run.at * job.rows + piece.firstRow - job.firstRow,
          stride: job.rows,
        })),
      );
    });
    const y = this.#storage('exact magnitudes', out * 8, temporary);
    const pipeline = await getPipeline(this.#context, EXACT_KERNELS.magnitudes, magnitudeVariant(type));
    this.#dispatch(entries, (buffer, table, grid) => {
      this.#recorder.dispatch(
        pipeline,
        { entries: table, x, weights: { buffer }, y },
        { rowBytes: rowBytes(first.job.tensor.type, nIn), nIn },
        [Math.ceil(grid.rows / EXACT_LANES), grid.nX, grid.entries],
      );
    });
    return { buffer: y.buffer, offset: 0, size: out * 8 };
  }

  /** Calls `dispatch` for all entries that one buffer of weights serves. */
  #dispatch(
    entries: readonly Entry[],
    dispatch: (
      buffer: GPUBuffer,
      table: BufferRange,
      grid: { readonly rows: number; readonly nX: number; readonly entries: number },
    ) => void,
  ): void {
    for (const [buffer, of] of groupBy(entries, (entry) => entry.rows.buffer)) {
      const words = new Uint32Array(8 * of.length);
      for (const [i, { rows, firstX, nX, out, stride }] of of.entries()) {
        words.set([rows.offset, rows.rows, firstX, nX, out, stride], 8 * i);
      }
      dispatch(buffer, this.#recorder.table(words), {
        rows: Math.max(...of.map((entry) => entry.rows.rows)),
        nX: Math.max(...of.map((entry) => entry.nX)),
        entries: of.length,
      });
    }
  }

  /** Lanes that share a row of weights: more where there are few rows. */
  #split(entries: readonly Entry[], tokens: number): 1 | 4 | 16 {
    if (this.#context.card.isSoftware) return 1;
    const lanes = entries.reduce((sum, { rows, nX }) => sum + rows.rows * Math.ceil(nX / tokens), 0);
    if (lanes >= ENOUGH_LANES) return 1;
    return 4 * lanes >= ENOUGH_LANES ? 4 : 16;
  }

  #upload(
    label: string,
    data: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
    temporary: GPUBuffer[],
  ): BufferRange {
    const range = this.#storage(label, data.byteLength, temporary);
    this.#context.device.queue.writeBuffer(range.buffer, 0, data);
    return range;
  }

  #storage(label: string, bytes: number, temporary: GPUBuffer[]): BufferRange {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = this.#context.allocate(label, bytes, usage);
    temporary.push(buffer);
    return { buffer };
  }
}

/** Jobs by type and row length, which share a dispatch. */
function byShape(jobs: readonly ExactJob[]): readonly (readonly [type: ExactType, jobs: readonly number[]])[] {
  const groups = groupBy([...jobs.keys()], (i) => `${at(jobs, i).tensor.type} ${rowLength(at(jobs, i).tensor)}`);
  return [...groups.values()].map((indices) => {
    const type = exactType(at(jobs, at(indices, 0)).tensor.type);
    if (type === undefined) throw new RangeError('a tensor that canMultiply refuses');
    return [type, indices];
  });
}

/** Cuts the rows of x of jobs into slices, and slices into batches of {@link BATCH_BYTES} of x and of y. */
function batches(jobs: readonly ExactJob[], indices: readonly number[]): readonly (readonly Slice[])[] {
  const all: Slice[][] = [];
  let current: Slice[] = [];
  let bytes = 0;
  for (const job of indices) {
    const { tensor, rows, x, sizes } = at(jobs, job);
    const perX = 8 * Math.max(rowLength(tensor), rows);
    const most = Math.max(1, Math.floor(BATCH_BYTES / perX));
    for (let from = 0; from < x.length; from += most) {
      const count = Math.min(most, x.length - from);
      const cost = (count + (from === 0 ? sizes.length : 0)) * perX;
      if (current.length > 0 && bytes + cost > BATCH_BYTES) {
        all.push(current);
        current = [];
        bytes = 0;
      }
      current.push({ job, from, count });
      bytes += cost;
    }
  }
  if (current.length > 0) all.push(current);
  return all;
}

/** The rows of x of some slices, each list once; where each slice's begin. */
function distinctRows(
  jobs: readonly ExactJob[],
  slices: readonly Slice[],
): { readonly x: readonly GridRow[]; readonly firstX: readonly number[] } {
  const x: GridRow[] = [];
  const placed = new Map<readonly GridRow[], Map<number, number>>();
  const firstX = slices.map(({ job, from, count }) => {
    const rows = at(jobs, job).x;
    const known = placed.get(rows) ?? new Map<number, number>();
    placed.set(rows, known);
    let first = known.get(from);
    if (first === undefined) {
      first = x.length;
      known.set(from, first);
      x.push(...rows.slice(from, from + count));
    }
    return first;
  });
  return { x, firstX };
}

/** Runs of consecutive numbers: their first, their length, their place in the list. */
function runsOf(
  numbers: readonly number[],
): readonly { readonly first: number; readonly count: number; readonly at: number }[] {
  const runs: { first: number; count: number; at: number }[] = [];
  for (const [i, n] of numbers.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === n) last.count++;
    else runs.push({ first: n, count: 1, at: i });
  }
  return runs;
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): ReadonlyMap<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function at<T>(items: readonly T[], i: number): T {
  const item = items[i];
  if (item === undefined) throw new RangeError(`no item ${i} of ${items.length}`);
  return item;
}
