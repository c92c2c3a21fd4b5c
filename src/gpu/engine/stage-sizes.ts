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
    default:
      return hparams[dim];
  }
}
