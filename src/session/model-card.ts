import { capped, MOST_OF_NAME, visible } from '../base/foreign-text';
import type { ModelCard } from '../divergence/report';
import { fileTypeName, tensorSummary } from '../gguf/file-type';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from '../model/hparams';

/**
 * What people and reports call the model: names, sizes, and the tensors by type (in order of bytes, largest first). The names
 * are the file's own, with what is unseen in them made visible, and cut: they go to every place that shows a run, and a browser takes seconds for a word of 100,000 letters.
 */
export function modelCard(model: ModelFile, hparams: HParams, notes: readonly string[] = []): ModelCard {
  return { ...fileFacts(model, hparams.arch, notes), hparams };
}

/** The card without the sizes, which not every file has. */
export function fileFacts(model: ModelFile, arch: string, notes: readonly string[] = []): Omit<ModelCard, 'hparams'> {
  const name = model.metadata.get('general.name');
  return {
    name: nameText(typeof name === 'string' && name !== '' ? name : model.name.replace(/\.gguf$/i, '')),
    file: nameText(model.name),
    bytes: model.bytes,
    headerSha256: model.headerSha256,
    arch: nameText(arch),
    quant: fileTypeName(model),
    tensors: tensorSummary(model),
    ...(notes.length === 0 ? {} : { notes: notes.map(visible) }),
  };
}

function nameText(name: string): string {
  return visible(capped(name, MOST_OF_NAME));
}
