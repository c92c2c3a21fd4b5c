import type { ModelCard } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from '../model/hparams';

/** llama.cpp's names of `general.file_type` (`enum llama_ftype`). */
const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [7, 'Q8_0'],
  [8, 'Q5_0'],
  [9, 'Q5_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K_S'],
  [12, 'Q3_K_M'],
  [13, 'Q3_K_L'],
  [14, 'Q4_K_S'],
  [15, 'Q4_K_M'],
  [16, 'Q5_K_S'],
  [17, 'Q5_K_M'],
  [18, 'Q6_K'],
  [25, 'IQ4_NL'],
  [30, 'IQ4_XS'],
  [32, 'BF16'],
  [38, 'MXFP4_MOE'],
]);

/** Set in `general.file_type` when the quantiser guessed it from the tensors. */
const GUESSED = 1024;

/** What people and reports call the model: names, sizes, and the tensors by type (in order of bytes, largest first). */
export function modelCard(model: ModelFile, hparams: HParams): ModelCard {
  const byType = tensorsByType(model);
  const name = model.metadata.get('general.name');
  const fileType = model.metadata.get('general.file_type');
  const quant = typeof fileType === 'number' ? FILE_TYPES.get(fileType & ~GUESSED) : undefined;
  return {
    name: typeof name === 'string' && name !== '' ? name : model.name.replace(/\.gguf$/i, ''),
    file: model.name,
    bytes: model.bytes,
    headerSha256: model.headerSha256,
    arch: hparams.arch,
    quant: quant ?? byType[0]?.[0] ?? 'unknown',
    hparams,
    tensors: { count: model.tensors.size, byType: Object.fromEntries(byType) },
  };
}

function tensorsByType(
  model: ModelFile,
): readonly (readonly [string, { readonly count: number; readonly bytes: number }])[] {
  const byType = new Map<string, { count: number; bytes: number }>();
  for (const { type, bytes } of model.tensors.values()) {
    const sum = byType.get(type) ?? { count: 0, bytes: 0 };
    byType.set(type, { count: sum.count + 1, bytes: sum.bytes + bytes });
  }
  return [...byType].sort((a, b) => b[1].bytes - a[1].bytes);
}
