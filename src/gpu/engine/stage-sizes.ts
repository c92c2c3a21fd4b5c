import { fail } from '../../base/errors';
import type { HParams } from '../../model/hparams';
import { ACTIVE_STAGES, stageSpec, type ActiveStageId, type Dim, type StageId } from '../../model/stages';

/** A stage of the table, or the residual stream that enters a layer. */
export type StageInput = ActiveStageId | 'layer_input';

/** The lengths of a stage's axes with `nTokens` rows of tokens and `nKeys` keys. */
export function stageShape(stage: StageId, hparams: HParams, nTokens: number, nKeys: number): readonly number[] {
  return stageSpec(stage).shape.map((dim) => dimLength(dim, hparams, nTokens, nKeys));
}

/** Values of a stage for each token. */
export function rowLength(stage: StageInput, hparams: HParams, nKeys: number): number {
  if (stage === 'layer_input') return hparams.nEmbd;
  return stageShape(stage, hparams, 1, nKeys).reduce((a, b) => a * b, 1);
}

/** Stages whose taps have the heads first: on the GPU the token is the first axis of every stage. */
export function isHeadMajor(stage: StageId): boolean {
  return stageSpec(stage).shape[0] === 'nHead';
}

/** (tokens, heads, keys) to (heads, tokens, keys), or back with the counts swapped. */
export function swapAxes(
  source: Uint32Array<ArrayBuffer>,
  outer: number,
  inner: number,
  length: number,
): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(source.length);
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < inner; b++) {
      const at = (a * inner + b) * length;
      out.set(source.subarray(at, at + length), (b * outer + a) * length);
    }
  }
  return out;
}

/** The inputs of a stage as the table names them. */
export function stageInputs(stage: ActiveStageId): readonly StageInput[] {
  return stageSpec(stage).inputs.map((name) => {
    if (name === 'layer_input') return name;
    const found = ACTIVE_STAGES.find((id) => id === name);
    if (found === undefined) throw fail('internal', `Stage ${stage} reads ${name}, which is no stage.`, 'Report it.');
    return found;
  });
}

function dimLength(dim: Dim, hparams: HParams, nTokens: number, nKeys: number): number {
  switch (dim) {
    case 'nTokens':
      return nTokens;
    case 'nKeys':
      return nKeys;
    case 'qkvDim':
      return hparams.qDim + 2 * hparams.kvDim;
    default:
      return hparams[dim];
  }
}
