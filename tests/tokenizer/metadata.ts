import { fileURLToPath } from 'node:url';
import type { GgufValue } from '../../src/gguf/model-file';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';

/** The metadata of a GGUF file. */
export async function readMetadata(path: string): Promise<ReadonlyMap<string, GgufValue>> {
  const model = await openModel([await nodeSource(path)]);
  await model.close();
  return model.metadata;
}

export const QWEN2_VOCAB = fileURLToPath(new URL('../golden/tokenizer/ggml-vocab-qwen2.gguf', import.meta.url));
