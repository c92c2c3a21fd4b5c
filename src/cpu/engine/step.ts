import { fail } from '../../base/errors';
import type { StepOptions } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { STAGES, type ActiveStageId, type StageId, type WeightRole } from '../../model/stages';
import type { RopeTable } from '../kernels/rope';
import type { Breather } from '../pool/breather';
import type { LayerCache } from './kv-cache';

/** What a stage computed. */
export interface StageOutput {
  /** C order as the stage table says. f64, or expert ids. */
  readonly values: Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** The matmul's sum_j |w_ij x_j|, same layout, when bounds are asked for. */
  readonly magnitudes?: Float64Array<ArrayBuffer> | undefined;
  /** Whether the token axis holds all tokens of the step or only the positions that the stage's capture names. */
  readonly tokens: 'all' | 'captured';
}

/** The weights as a stage uses them. */
export interface WeightAccess {
  /** A small weight vector, dequantised. */
  vector(role: WeightRole): Promise<Float32Array<ArrayBuffer>>;
  /** Rows `ids` of a weight matrix, dequantised: (ids, nIn). */
  rows(role: WeightRole, ids: Uint32Array): Promise<Float64Array<ArrayBuffer>>;
  /** Every given matrix times x: for each role (nTokens, nOut), in order. */
  matmul(
    roles: readonly WeightRole[],
    x: Float64Array<ArrayBuffer>,
    magnitudes: boolean,
  ): Promise<readonly StageOutput[]>;
  /**
   * The chosen experts' matrices.
   * @param x (nTokens, nIn), or (nTokens, nExpertUsed, nIn) with `perSlot`
   * @returns (nTokens, nExpertUsed, nOut)
   */
  expertMatmul(
    role: WeightRole,
    x: Float64Array<ArrayBuffer>,
    perSlot: boolean,
    experts: Uint32Array,
    magnitudes: boolean,
  ): Promise<StageOutput>;
  /** These matrices will be multiplied soon, by one call of `matmul`: of this layer, or of the next one where there is one. */
  expectMatmul(roles: readonly WeightRole[], nextLayer: boolean): void;
  /** So will these experts' matrices, by `expertMatmul`. */
  expectExperts(role: WeightRole, experts: Uint32Array): void;
}

/** One step in the making: what a stage's function reads. */
export interface Step {
  readonly hparams: HParams;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly nTokens: number;
  /** Position of the first token. */
  readonly nPast: number;
  readonly options: StepOptions;
  readonly weights: WeightAccess;
  /** Rotary table of each token. */
  readonly ropeTables: readonly RopeTable[];
  /** Of this layer; empty in whole-model steps. */
  readonly cache: LayerCache;
  readonly values: StageValues;
  readonly pause: Breather;
}

/** The stages computed so far in this step. */
export interface StageValues {
  float(stage: StageId | 'layer_input'): Float64Array<ArrayBuffer>;
  experts(): Uint32Array<ArrayBuffer>;
  keep(stage: ActiveStageId, output: StageOutput): void;
  /** Lets go of what no stage after `stage` reads. */
  release(stage: ActiveStageId): void;
}

/** Values of a step that starts from `layerInput` (nTokens, nEmbd). */
export function stageValues(layerInput: Float64Array<ArrayBuffer> | undefined): StageValues {
  const floats = new Map<string, Float64Array<ArrayBuffer>>();
  let experts: Uint32Array<ArrayBuffer> | undefined;
  if (layerInput !== undefined) floats.set('layer_input', layerInput);
  const missing = (what: string): Error =>
    fail('internal', `The CPU engine reads ${what} before it is computed.`, 'Please report this defect.');
  return {
    float: (stage) => {
      const found = floats.get(stage);
      if (found === undefined) throw missing(stage);
      return found;
    },
    experts: () => {
      if (experts === undefined) throw missing('moe_router_indices');
      return experts;
    },
    keep: (stage, { values }) => {
      if (values instanceof Uint32Array) experts = values;
      else floats.set(stage, values);
    },
    release: (stage) => {
      for (const input of LAST_READ_BY.get(stage) ?? []) floats.delete(input);
    },
  };
}

/** For each stage, the values that it is the last to read. */
const LAST_READ_BY: ReadonlyMap<string, readonly string[]> = (() => {
  const lastReader = new Map<string, string>();
  for (const stage of STAGES) for (const input of stage.inputs) lastReader.set(input, stage.id);
  // The attention stages compute scores and softmax again from q (attention-rows.ts).
  lastReader.set('q_post_rope', 'attention');
  // Outputs that live on as the next step's input.
  for (const kept of ['layer_input', 'embedding', 'post_ffn_residual']) lastReader.delete(kept);
  const byReader = new Map<string, string[]>();
  for (const [input, reader] of lastReader) byReader.set(reader, [...(byReader.get(reader) ?? []), input]);
  return byReader;
})();

/** The positions that a stage is to be captured at. */
export function capturedPositions(step: Pick<Step, 'options'>, stage: StageId): readonly number[] {
  return step.options.capture.get(stage) ?? [];
}

/** Whether the stage's matmul must also give magnitudes. */
export function wantsMagnitudes(step: Pick<Step, 'options'>, stage: StageId): boolean {
  return step.options.bounds === true && capturedPositions(step, stage).length > 0;
}
