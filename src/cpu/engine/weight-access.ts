import { fail } from '../../base/errors';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import { tensorRow, type BoundFloats, type BoundGraph, type BoundWeight } from '../../arch/bind';
import type { WeightSlot } from '../../arch/graph';
import type { CpuPool, MatmulJob, RowsJob, RunOptions } from '../pool/cpu-pool';
import type { ExactOutput } from '../../ops/exact-op';
import type { Affine, FloatsByExpert } from '../../ops/linear/affine';

/** What happens to activations before they meet a matrix of some type: nothing in the exact arm. `x` is (rows, nIn); may return `x`. */
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
  run: RunOptions,
): WeightAccess {
  const read = async (weight: BoundWeight, row: number): Promise<Float32Array<ArrayBuffer>> => {
    const { tensor, nIn } = weight;
    const bytes = rowBytes(tensor.type, nIn);
    const data = await model.readTensor(tensor, tensorRow(weight, 0, row) * bytes, bytes, run.signal);
    run.onRead?.(tensor.name, bytes);
    const out = new Float32Array(nIn);
    dequantizeRows(tensor.type, data, 0, out, 0, nIn);
    return out;
  };

  const floats = async ({ vector, first, stride }: BoundFloats): Promise<FloatsByExpert> => ({
    values: await read(vector, 0),
    first,
    stride,
  });

  return {
    vector: (slot) => read(bound.weight(slot), 0),

    async rows(slot, ids) {
      const weight = bound.weight(slot);
      const out = new Float64Array(ids.length * weight.nIn);
      const distinct = new Map<number, Float32Array>();
      for (const [i, id] of ids.entries()) {
        const row = distinct.get(id) ?? (await read(weight, id));
        distinct.set(id, row);
        out.set(row, i * weight.nIn);
      }
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
      const rounded = rounding(tensor.type, x);
      // Slots of a token, where all of them meet one row of x.
      const shared = perSlot ? 1 : experts.length / (x.length / nIn);
      const slots = slotsByExpert(experts);
      const jobs = slots.map(([expert, members]): MatmulJob => {
        const gathered = new Float64Array(members.length * nIn);
        for (const [i, member] of members.entries()) {
          const row = Math.floor(member / shared);
          gathered.set(rounded.subarray(row * nIn, (row + 1) * nIn), i * nIn);
        }
        return {
          ...matrixJob(weight, expert, members.length),
          x: gathered,
          magnitudes: magnitudes ? members.length : 0,
        };
      });
      const results = await pool.run(jobs, run);
      const values = new Float64Array(experts.length * nOut);
      const sums = magnitudes ? new Float64Array(experts.length * nOut) : undefined;
      for (const [j, [, members]] of slots.entries()) {
        const result = results[j];
        if (result === undefined) throw lostJob();
        for (const [i, member] of members.entries()) {
          values.set(result.y.subarray(i * nOut, (i + 1) * nOut), member * nOut);
          if (result.magnitudes) sums?.set(result.magnitudes.subarray(i * nOut, (i + 1) * nOut), member * nOut);
        }
      }
      return { values, magnitudes: sums };
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

/** (token, slot) pairs as token * nExpertUsed + slot, grouped by expert; experts ascending, pairs ascending. */
function slotsByExpert(experts: Uint32Array): readonly (readonly [expert: number, members: readonly number[]])[] {
  const groups = new Map<number, number[]>();
  for (const [member, expert] of experts.entries()) {
    const group = groups.get(expert);
    if (group === undefined) groups.set(expert, [member]);
    else group.push(member);
  }
  return [...groups].sort(([a], [b]) => a - b);
}
