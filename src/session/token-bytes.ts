import { rowBytes } from '../gguf/ggml-types';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from '../model/hparams';
import { findWeight, isOfLayer, WEIGHT_ROLES } from '../model/weights';

/** Bytes of weights that one token needs: every dense tensor, its experts, one row of the embedding. */
export function bytesPerToken(model: ModelFile, hparams: HParams): number {
  let bytes = 0;
  for (const role of WEIGHT_ROLES) {
    const isLayered = isOfLayer(role);
    for (let layer = 0; layer < (isLayered ? hparams.nLayer : 1); layer++) {
      const { type, dims, bytes: whole } = findWeight(model, hparams, role, isLayered ? layer : undefined);
      if (role === 'token_embd') bytes += rowBytes(type, dims[0] ?? 0);
      else bytes += dims.length === 3 ? (whole * hparams.nExpertUsed) / hparams.nExpert : whole;
    }
  }
  return bytes;
}
