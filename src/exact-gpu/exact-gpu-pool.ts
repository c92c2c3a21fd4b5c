import { throwIfAborted } from '../base/abort';
import { fail } from '../base/errors';
import { TINY } from '../ops/rounding';
import type { CpuPool, MatmulJob, MatmulResult } from '../cpu/pool/cpu-pool';
import type { ModelFile } from '../gguf/model-file';
import { rowLength, type ReadOptions } from '../gguf/tensor-rows';
import type { GpuContext } from '../gpu/device';
import { ExactProducts, type ExactJob, type ExactResult } from '../gpu/exact/exact-products';
import { gridRows, type GridRow } from '../gpu/exact/grid-rows';

/** Agreement with the CPU's loops, in units of sum |w||x|: what those loops themselves may be off. */
export const AGREEMENT = 2 ** -50;
/** f32 rounding as WGSL allows it, and room for the sums of magnitudes.wgsl: nIn additions, a few operations a value. */
const MAGNITUDE_ULP = 2 ** -22;
const MAGNITUDE_OPERATIONS = 64;
/** WGSL may flush what is smaller. */
const FLUSHED = 2 ** -126;
/** Tokens of a sampled row. */
const SAMPLED_TOKENS = 8;

export interface ExactGpuPoolOptions {
  /** Its own device or not; used by nothing else while the pool lives. Stays the caller's to dispose. */
  readonly context: GpuContext;
  readonly model: ModelFile;
  /** The CPU's pool: computes what the kernels refuse, and the samples. Stays the caller's to dispose. */
  readonly cpu: CpuPool;
  /** Bytes of weights to keep on the GPU. */
  readonly budget: number;
}

/** What a pool has computed where. */
export interface ExactGpuCounts {
  /** Values of y from the GPU. */
  readonly gpu: number;
  /** Values of y that the CPU computed instead: refused rows, types without kernels, rows of x that are not finite. */
  readonly cpu: number;
  /** Values of y that both computed, and the largest difference in units of sum |w||x|. */
  readonly sampled: number;
  readonly largestDifference: number;
}

export interface ExactGpuPool extends CpuPool {
  counts(): ExactGpuCounts;
}

/**
 * The reference's products on a GPU, by exact integer arithmetic (`shaders/exact/`): a drop-in for the CPU's pool. Every run recomputes a
 * sample on the CPU.
 * @throws TracerError from `run`: `exact-gpu` where a sample differs by more than {@link AGREEMENT}; as `CpuPool.run`; `gpu-*`
 */
export function createExactGpuPool({ context, model, cpu, budget }: ExactGpuPoolOptions): ExactGpuPool {
  const products = new ExactProducts(context, model, budget);
  const counts = { gpu: 0, cpu: 0, sampled: 0, largestDifference: 0 };
  let turn = Promise.resolve();
  let runs = 0;

  const compute = async (jobs: readonly MatmulJob[], options: ReadOptions): Promise<readonly MatmulResult[]> => {
    throwIfAborted(options.signal);
    const prepared = prepare(jobs, products);
    const exact = await products.multiply(
      prepared.flatMap(({ exact }) => (exact === undefined ? [] : [exact])),
      options,
    );
    let next = 0;
    const results = prepared.map(({ job, exact: of, first }): MatmulResult => {
      const result = of === undefined ? undefined : exact[next++];
      return result === undefined ? empty(job) : assemble(job, first, result);
    });
    await computeRefused(jobs, results, options);
    await sample(
      jobs,
      prepared.map(({ exact }) => exact !== undefined),
      results,
      options,
    );
    return results;
  };

  /** What the kernels refused, on the CPU: whole jobs, rows of w, or rows of x. */
  const computeRefused = async (
    jobs: readonly MatmulJob[],
    results: readonly MatmulResult[],
    options: ReadOptions,
  ): Promise<void> => {
    const again = jobs.flatMap((job, index) => {
      const result = results[index];
      if (result === undefined) return [];
      counts.gpu += result.y.length;
      return refusedParts(job, result).map((part) => ({ ...part, job, result }));
    });
    if (again.length === 0) return;
    const parts = await cpu.run(
      again.map(({ job, tokens, firstRow, rows }) => {
        const magnitudes = tokens.filter((token) => token < job.magnitudes).length;
        const x = pick(job, tokens);
        return { ...job, firstRow: job.firstRow + firstRow, rows, nTokens: tokens.length, x, magnitudes };
      }),
      options,
    );
    for (const [i, { job, result, tokens, firstRow, rows }] of again.entries()) {
      const part = parts[i];
      if (part === undefined) continue;
      for (const [t, token] of tokens.entries()) {
        const to = token * job.rows + firstRow;
        result.y.set(part.y.subarray(t * rows, (t + 1) * rows), to);
        if (part.magnitudes && token < job.magnitudes)
          result.magnitudes?.set(part.magnitudes.subarray(t * rows, (t + 1) * rows), to);
      }
      counts.gpu -= part.y.length;
      counts.cpu += part.y.length;
    }
  };

  /** One row of one job again on the CPU, each time another. */
  const sample = async (
    jobs: readonly MatmulJob[],
    onGpu: readonly boolean[],
    results: readonly MatmulResult[],
    options: ReadOptions,
  ): Promise<void> => {
    const candidates = jobs.flatMap((job, i) => (onGpu[i] === true && job.rows > 0 && job.nTokens > 0 ? [i] : []));
    const index = candidates[runs % Math.max(1, candidates.length)];
    const job = index === undefined ? undefined : jobs[index];
    const result = index === undefined ? undefined : results[index];
    // A step that is coprime to most sizes visits all rows in the long run.
    const row = job === undefined ? 0 : (runs++ * 7919) % job.rows;
    if (job === undefined || result === undefined) return;
    const tokens = Array.from({ length: Math.min(SAMPLED_TOKENS, job.nTokens) }, (_, t) => t);
    const [check] = await cpu.run(
      [
        {
          ...job,
          firstRow: job.firstRow + row,
          rows: 1,
          nTokens: tokens.length,
          x: pick(job, tokens),
          magnitudes: tokens.length,
        },
      ],
      options,
    );
    for (const t of tokens) {
      const expected = check?.y[t] ?? NaN;
      const actual = result.y[t * job.rows + row] ?? NaN;
      const size = check?.magnitudes?.[t] ?? NaN;
      counts.sampled++;
      if (Object.is(expected, actual) || (Number.isNaN(expected) && Number.isNaN(actual))) continue;
      const difference = Math.abs(actual - expected) / size;
      counts.largestDifference = Math.max(counts.largestDifference, difference);
      if (difference <= AGREEMENT) continue;
      throw fail(
        'exact-gpu',
        `The exact products on the GPU and on the CPU differ: ${job.tensor.name}, row ${job.firstRow + row}, by ${difference.toExponential(2)} of the sum of absolute products.`,
        'Run it again with the reference on the CPU (--reference exact), and report the adapter and its driver: integer sums must be the same everywhere.',
        { tensor: job.tensor.name, row: job.firstRow + row, expected, actual, limit: AGREEMENT },
      );
    }
  };

  return {
    run(jobs, options) {
      const result = turn.then(() => compute(jobs, options));
      turn = result.then(
        () => undefined,
        () => undefined,
      );
      return result;
    },
    // Weights are read into the GPU's memory when they are needed; most stay there.
    expect: () => undefined,
    counts: () => ({ ...counts }),
    async dispose() {
      await turn;
      products.dispose();
    },
  };
}

interface Prepared {
  readonly job: MatmulJob;
  /** Undefined: the CPU's. */
  readonly exact: ExactJob | undefined;
  /** Where each token's rows begin in `exact.x`; one more at the end. A token with none is the CPU's. */
  readonly first: readonly number[];
}

/** Puts the jobs' x on grids; jobs that share an x share its grids. */
function prepare(jobs: readonly MatmulJob[], products: ExactProducts): readonly Prepared[] {
  const grids = new Map<Float64Array, { readonly x: readonly GridRow[]; readonly first: readonly number[] }>();
  const sizes = new Map<Float64Array, readonly Float32Array[]>();
  return jobs.map((job): Prepared => {
    if (!products.canMultiply(job.tensor)) return { job, exact: undefined, first: [] };
    const nIn = rowLength(job.tensor);
    const known = grids.get(job.x) ?? onGrids(job.x, nIn, job.nTokens);
    grids.set(job.x, known);
    let of = job.magnitudes > 0 ? sizes.get(job.x) : [];
    if (of?.length !== job.magnitudes) {
      of = Array.from({ length: job.magnitudes }, (_, t) => roundedUp(job.x.subarray(t * nIn, (t + 1) * nIn)));
      sizes.set(job.x, of);
    }
    const { tensor, firstRow, rows } = job;
    return { job, exact: { tensor, firstRow, rows, x: known.x, sizes: of }, first: known.first };
  });
}

function onGrids(
  x: Float64Array,
  nIn: number,
  nTokens: number,
): { readonly x: readonly GridRow[]; readonly first: readonly number[] } {
  const rows: GridRow[] = [];
  const first = [0];
  for (let t = 0; t < nTokens; t++) {
    rows.push(...(gridRows(x.subarray(t * nIn, (t + 1) * nIn)) ?? []));
    first.push(rows.length);
  }
  return { x: rows, first };
}

/** |x| in f32, none smaller than |x|. */
function roundedUp(x: Float64Array): Float32Array {
  const up = new Float32Array(x.length);
  for (let j = 0; j < x.length; j++) {
    const size = Math.abs(x[j] ?? 0);
    const nearest = Math.fround(size);
    up[j] = nearest >= size ? nearest : nearest * (1 + 2 ** -22) + 2 ** -149;
  }
  return up;
}

function empty(job: MatmulJob): MatmulResult {
  const values = new Float64Array(job.nTokens * job.rows).fill(NaN);
  return { y: values, magnitudes: job.magnitudes > 0 ? new Float64Array(job.magnitudes * job.rows) : undefined };
}

/** A job's result from the products with its rows on grids: a token on several grids is their sum. */
function assemble(job: MatmulJob, first: readonly number[], { y, sums }: ExactResult): MatmulResult {
  const { nTokens, rows } = job;
  const nIn = rowLength(job.tensor);
  const whole = new Float64Array(nTokens * rows);
  const magnitudes = job.magnitudes > 0 ? new Float64Array(job.magnitudes * rows) : undefined;
  const slack = 1 + (nIn + MAGNITUDE_OPERATIONS) * MAGNITUDE_ULP;
  for (let t = 0; t < nTokens; t++) {
    const from = first[t] ?? 0;
    const to = first[t + 1] ?? 0;
    if (from === to) whole.fill(NaN, t * rows, (t + 1) * rows);
    for (let i = from; i < to; i++) {
      for (let r = 0; r < rows; r++) whole[t * rows + r] = (whole[t * rows + r] ?? 0) + (y[i * rows + r] ?? NaN);
    }
    if (magnitudes === undefined || t >= job.magnitudes) continue;
    let sizeOfX = 0;
    for (let j = 0; j < nIn; j++) sizeOfX += Math.abs(job.x[t * nIn + j] ?? 0);
    for (let r = 0; r < rows; r++) {
      const at = t * rows + r;
      const product = sums[2 * at] ?? NaN;
      const weights = sums[2 * at + 1] ?? NaN;
      // (|w| + TINY) (|x| + TINY), and what f32 loses: roundings, flushed products, flushed weights.
      magnitudes[at] = product * slack + 2 * TINY * (weights * slack + sizeOfX) + nIn * (TINY * TINY + FLUSHED);
    }
  }
  return { y: whole, magnitudes };
}

/** The parts of a result that are NaN, as products of some rows of w with some tokens. */
function refusedParts(
  job: MatmulJob,
  { y }: MatmulResult,
): readonly { readonly tokens: readonly number[]; readonly firstRow: number; readonly rows: number }[] {
  const { rows, nTokens } = job;
  const tokens: number[] = [];
  const bad = new Set<number>();
  for (let t = 0; t < nTokens; t++) {
    const missing: number[] = [];
    for (let r = 0; r < rows; r++) if (Number.isNaN(y[t * rows + r])) missing.push(r);
    if (missing.length === rows) tokens.push(t);
    else for (const r of missing) bad.add(r);
  }
  const all = Array.from({ length: nTokens }, (_, t) => t);
  return [
    ...(tokens.length > 0 && rows > 0 ? [{ tokens, firstRow: 0, rows }] : []),
    ...[...bad].map((row) => ({ tokens: all, firstRow: row, rows: 1 })),
  ];
}

/** The x of some tokens. */
function pick(job: MatmulJob, tokens: readonly number[]): Float64Array {
  const nIn = rowLength(job.tensor);
  if (tokens.length === job.nTokens) return job.x;
  const x = new Float64Array(tokens.length * nIn);
  for (const [i, t] of tokens.entries()) x.set(job.x.subarray(t * nIn, (t + 1) * nIn), i * nIn);
  return x;
}
