import type { ModelCard } from '../divergence/report';
import { fileTypeName, tensorSummary } from '../gguf/file-type';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from '../model/hparams';

/** What people and reports call the model: names, sizes, and the tensors by type (in order of bytes, largest first). */
export function modelCard(model: ModelFile, hparams: HParams): ModelCard {
  const name = model.metadata.get('general.name');
  return {
    name: typeof name === 'string' && name !== '' ? name : model.name.replace(/\.gguf$/i, ''),
    file: model.name,
    bytes: model.bytes,
    headerSha256: model.headerSha256,
    arch: hparams.arch,
    quant: fileTypeName(model),
    hparams,
    tensors: tensorSummary(model),
  };
}
