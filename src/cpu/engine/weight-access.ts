import { fail } from '../../base/errors';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { WeightRole } from '../../model/stages';
import { findWeight, type WeightTensor } from '../../model/weights';
import type { CpuPool, MatmulJob, RowsJob, RunOptions } from '../pool/cpu-pool';
import type { StageOutput, WeightAccess } from './step';

/** What happens to activations before they meet a matrix of some type: nothing in the exact arm. `x` is (rows, nIn); may return `x`. */
export type ActivationRounding = (type: QuantType, x: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;

export interface WeightContext {
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly pool: CpuPool;
  readonly rounding: ActivationRounding;
}

/**
 * Weights of one layer, or of the whole model with `layer` undefined.
 * @param nTokens of the step
 */
export function weightAccess(
  context: WeightContext,
  layer: number | undefined,
  nTokens: number,
  run: RunOptions,
): WeightAccess {
  const { model, hparams, pool, rounding } = context;
  const find = (role: WeightRole): WeightTensor => findWeight(model, hparams, role, layer);
  const read = async (tensor: WeightTensor, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>> => {
    const nIn = tensor.dims[0] ?? 0;
    const bytes = rowBytes(tensor.type, nIn);
    const data = await model.readTensor(tensor, firstRow * bytes, rows * bytes, run.signal);
    run.onRead?.(tensor.name, rows * bytes);
    const out = new Float32Array(rows * nIn);
    dequantizeRows(tensor.type, data, 0, out, 0, rows * nIn);
    return out;
  };

  return {
    vector: (role) => read(find(role), 0, 1),

    async rows(role, ids) {
      const tensor = find(role);
      const nIn = tensor.dims[0] ?? 0;
      const out = new Float64Array(ids.length * nIn);
      const distinct = new Map<number, Float32Array>();
      for (const [i, id] of ids.entries()) {
        const row = distinct.get(id) ?? (await read(tensor, id, 1));
        distinct.set(id, row);
        out.set(row, i * nIn);
      }
      return out;
    },

    async matmul(roles, x, magnitudes) {
      const jobs = roles.map((role): MatmulJob => {
        const tensor = find(role);
        const job = wholeMatrix(tensor, x.length / (tensor.dims[0] ?? 1));
        return { ...job, x: rounding(tensor.type, x), magnitudes };
      });
      const results = await pool.run(jobs, run);
      return results.map((r): StageOutput => ({ values: r.y, magnitudes: r.magnitudes, tokens: 'all' }));
    },

    async expertMatmul(role, x, perSlot, experts, magnitudes) {
      const tensor = find(role);
      const [nIn = 0, nOut = 0] = tensor.dims;
      const rounded = rounding(tensor.type, x);
      const slots = slotsByExpert(experts);
      const jobs = slots.map(([expert, members]): MatmulJob => {
        const gathered = new Float64Array(members.length * nIn);
        for (const [i, member] of members.entries()) {
          const row = perSlot ? member : Math.floor(member / hparams.nExpertUsed);
          gathered.set(rounded.subarray(row * nIn, (row + 1) * nIn), i * nIn);
        }
        return { ...expertMatrix(tensor, expert, members.length), x: gathered, magnitudes };
      });
      const results = await pool.run(jobs, run);
      const values = new Float64Array(experts.length * nOut);
      const sums = magnitudes ? new Float64Array(experts.length * nOut) : undefined;
      for (const [j, [, members]] of slots.entries()) {
        const result = results[j];
        if (result === undefined) throw fail('internal', 'The pool lost a job.', 'Please report this defect.');
        for (const [i, member] of members.entries()) {
          values.set(result.y.subarray(i * nOut, (i + 1) * nOut), member * nOut);
          if (result.magnitudes) sums?.set(result.magnitudes.subarray(i * nOut, (i + 1) * nOut), member * nOut);
        }
      }
      return { values, magnitudes: sums, tokens: 'all' };
    },

    expectMatmul(roles, nextLayer) {
      const of = nextLayer ? (layer ?? 0) + 1 : layer;
      if (of !== undefined && of >= hparams.nLayer) return;
      pool.expect(roles.map((role) => wholeMatrix(findWeight(model, hparams, role, of), nTokens)));
    },

    expectExperts(role, experts) {
      const tensor = find(role);
      pool.expect(slotsByExpert(experts).map(([expert, members]) => expertMatrix(tensor, expert, members.length)));
    },
  };
}

/** The same weights, read when they are used. */
export function withoutReadingAhead(weights: WeightAccess): WeightAccess {
  return { ...weights, expectMatmul: () => undefined, expectExperts: () => undefined };
}

function wholeMatrix(tensor: WeightTensor, nTokens: number): RowsJob {
  return { tensor, firstRow: 0, rows: tensor.dims[1] ?? 1, nTokens };
}

function expertMatrix(tensor: WeightTensor, expert: number, nTokens: number): RowsJob {
  const rows = tensor.dims[1] ?? 1;
  return { tensor, firstRow: expert * rows, rows, nTokens };
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
