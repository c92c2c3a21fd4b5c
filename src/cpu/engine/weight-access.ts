import { fail } from '../../base/errors';
import { yielder, type Yielder } from '../../base/yielder';
import { inPieces, withPauses } from '../../base/pieces';
import { settleAll } from '../../base/settle';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { neighbouringRows } from '../../gguf/neighbours';
import type { QuantType } from '../../gguf/ggml-types';
import { readRows as rowsInFile, type ReadOptions } from '../../gguf/tensor-rows';
import type { ModelFile } from '../../gguf/model-file';
import { tensorRow, type BoundFloats, type BoundGraph, type BoundWeight } from '../../arch/bind';
import type { WeightSlot } from '../../arch/graph';
import type { CpuPool, MatmulJob, RowsJob } from '../pool/cpu-pool';
import { gatherRows, scatterRows, slotsByExpert } from './expert-slots';
import type { ExactOutput } from '../../ops/exact-op';
import type { Affine, FloatsByExpert } from '../../ops/linear/affine';

/** Runs of neighbouring rows of a table that are read at the same time. */
const PARALLEL_READS = 16;

/** What happens to activations before they meet a matrix of some type: nothing in the exact engine. `x` is (rows, nIn); may return `x`. */
export type ActivationRounding = (type: QuantType, x: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;

/** The weights as a node uses them. */
export interface WeightAccess {
  /** A small vector, dequantised. */
  vector(slot: WeightSlot): Promise<Float32Array<ArrayBuffer>>;
  /** Rows `ids` of a matrix, dequantised: (ids, nIn). */
  rows(slot: WeightSlot, ids: Uint32Array): Promise<Float64Array<ArrayBuffer>>;
  /** A matrix times x: (rows, nOut). */
  matmul(slot: WeightSlot, x: Float64Array<ArrayBuffer>, magnitudes: boolean): Promise<ExactOutput>;
  /**
   * The chosen experts' matrices.
   * @param x (nTokens, nIn), or (nTokens, nExpertUsed, nIn) with `perSlot`
   * @param experts (nTokens, nExpertUsed)
   * @returns (nTokens, nExpertUsed, nOut)
   */
  expertMatmul(
    slot: WeightSlot,
    x: Float64Array<ArrayBuffer>,
    perSlot: boolean,
    experts: Uint32Array,
    magnitudes: boolean,
  ): Promise<ExactOutput>;
  /** What follows the products of a matrix; undefined where nothing does. */
  affine(slot: WeightSlot): Promise<Affine | undefined>;
  /** This matrix will be multiplied soon. */
  expectMatmul(slot: WeightSlot): void;
  /** So will these experts' matrices. */
  expectExperts(slot: WeightSlot, experts: Uint32Array): void;
}

export interface WeightContext {
  readonly model: ModelFile;
  readonly bound: BoundGraph;
  readonly pool: CpuPool;
  readonly rounding: ActivationRounding;
}

/** @param nTokens of the step */
export function weightAccess(
  { model, bound, pool, rounding }: WeightContext,
  nTokens: number,
  run: ReadOptions,
  pause: Yielder = yielder(run.signal),
): WeightAccess {
  const readRows = async (
    weight: BoundWeight,
    firstRow: number,
    rows: number,
    out: Float32Array<ArrayBuffer>,
  ): Promise<Float32Array<ArrayBuffer>> => {
    const { tensor, nIn } = weight;
    const data = await rowsInFile(model, { tensor, firstRow: tensorRow(weight, 0, firstRow), rows }, run);
    dequantizeRows(tensor.type, data, 0, out, 0, rows * nIn);
    return out;
  };
  const read = (weight: BoundWeight, row: number): Promise<Float32Array<ArrayBuffer>> =>
    readRows(weight, row, 1, new Float32Array(weight.nIn));
  const inPausedPieces = (length: number, width: number, part: (from: number, to: number) => void): Promise<void> =>
    withPauses(inPieces(length, width, part), pause);

  const floats = async ({ vector, first, stride }: BoundFloats): Promise<FloatsByExpert> => ({
    values: await read(vector, 0),
    first,
    stride,
  });

  /** What experts are fed, in their order: gate and up are fed the same, which is put together for the first of them. */
  let latest: { readonly key: readonly unknown[]; readonly gathered: Promise<Float64Array> } | undefined;
  const gatherOnce = (
    type: QuantType,
    x: Float64Array<ArrayBuffer>,
    experts: Uint32Array,
    gather: (rounded: Float64Array<ArrayBuffer>) => Promise<Float64Array>,
  ): Promise<Float64Array> => {
    const key = [type, x, experts];
    if (latest?.key.every((part, i) => part === key[i]) !== true) latest = { key, gathered: gather(rounding(type, x)) };
    return latest.gathered;
  };

  return {
    vector: (slot) => read(bound.weight(slot), 0),

    async rows(slot, ids) {
      const weight = bound.weight(slot);
      const { nIn } = weight;
      const distinct = [...new Set(ids)].sort((a, b) => a - b);
      const runs = neighbouringRows(weight.tensor, distinct);
      const table = new Float32Array(distinct.length * nIn);
      for (let first = 0; first < runs.length; first += PARALLEL_READS) {
        await settleAll(
          runs.slice(first, first + PARALLEL_READS).map(({ firstRow, rows, at }) => {
            return readRows(weight, firstRow, rows, table.subarray(at * nIn, (at + rows) * nIn));
          }),
        );
      }
      const rowOf = new Map(distinct.map((id, at) => [id, at]));
      const out = new Float64Array(ids.length * nIn);
      await inPausedPieces(out.length, nIn, (from, to) => {
        for (let at = from; at < to; at += nIn) {
          const row = rowOf.get(ids[at / nIn] ?? 0) ?? 0;
          out.set(table.subarray(row * nIn, (row + 1) * nIn), at);
        }
      });
      return out;
    },

    async matmul(slot, x, magnitudes) {
      const weight = bound.weight(slot);
      const rows = x.length / weight.nIn;
      const job = {
        ...matrixJob(weight, 0, rows),
        magnitudes: magnitudes ? rows : 0,
        x: rounding(weight.tensor.type, x),
      };
      const [result] = await pool.run([job], run);
      if (result === undefined) throw lostJob();
      return { values: result.y, magnitudes: result.magnitudes };
    },

    async expertMatmul(slot, x, perSlot, experts, magnitudes) {
      const weight = bound.weight(slot);
      const { nIn, nOut, tensor } = weight;
      const slots = slotsByExpert(experts);
      // Slots of a token, where all of them meet one row of x.
      const slotsOfRow = perSlot ? 1 : experts.length / (x.length / nIn);
      const gathered = await gatherOnce(tensor.type, x, experts, (rounded) =>
        gatherRows(rounded, nIn, slots, slotsOfRow, pause),
      );
      let at = 0;
      const jobs = slots.map(([expert, members]): MatmulJob => {
        const from = at;
        at += members.length * nIn;
        const job = matrixJob(weight, expert, members.length);
        return { ...job, x: gathered.subarray(from, at), magnitudes: magnitudes ? members.length : 0 };
      });
      const results = await pool.run(jobs, run);
      if (results.length !== jobs.length) throw lostJob();
      return scatterRows(results, nOut, slots, magnitudes, pause);
    },

    async affine(slot) {
      const { scale, bias } = bound.weight(slot);
      if (scale === undefined && bias === undefined) return undefined;
      return { scale: scale && (await floats(scale)), bias: bias && (await floats(bias)) };
    },

    expectMatmul(slot) {
      pool.expect([matrixJob(bound.weight(slot), 0, nTokens)]);
    },

    expectExperts(slot, experts) {
      const weight = bound.weight(slot);
      pool.expect(slotsByExpert(experts).map(([expert, members]) => matrixJob(weight, expert, members.length)));
    },
  };
}

function matrixJob(weight: BoundWeight, expert: number, nTokens: number): RowsJob {
  return { tensor: weight.tensor, firstRow: tensorRow(weight, expert, 0), rows: weight.nOut, nTokens };
}

function lostJob(): Error {
  return fail('internal', 'The pool lost a job.', 'Please report this defect.');
}
