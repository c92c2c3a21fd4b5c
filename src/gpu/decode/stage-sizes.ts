import type { HParams } from '../../model/hparams';
import { stageSpec, type Dim, type StageId } from '../../model/stages';

/** The lengths of a stage's axes with `nTokens` rows of tokens and `nKeys` keys. */
export function stageShape(stage: StageId, hparams: HParams, nTokens: number, nKeys: number): readonly number[] {
  return stageSpec(stage).shape.map((dim) => dimLength(dim, hparams, nTokens, nKeys));
}

/** Values of a stage for each token. */
export function rowLength(stage: StageId, hparams: HParams, nKeys: number): number {
  return stageShape(stage, hparams, 1, nKeys).reduce((a, b) => a * b, 1);
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
