import { openRemote } from '../cache/open-remote';
import type { ByteSource } from '../gguf/byte-source';
import type { ModelFile } from '../gguf/model-file';
import { nodeSource } from '../gguf/node-source';
import { openModel } from '../gguf/open-model';
import { allPartNames } from '../gguf/split-names';

/**
 * Opens MODEL: a path or an http(s) address; of a split file any one part, whose name tells the others.
 * @throws TracerError `source-*`, `gguf-*`
 */
export async function openNamedModel(name: string, signal?: AbortSignal): Promise<ModelFile> {
  const sources: ByteSource[] = [];
  try {
    for (const part of allPartNames(name)) sources.push(await openPart(part, signal));
  } catch (error) {
    await Promise.allSettled(sources.map((source) => source.close()));
    throw error;
  }
  return openModel(sources, signal);
}

function openPart(name: string, signal: AbortSignal | undefined): Promise<ByteSource> {
  return isUrl(name) ? openRemote({ kind: 'http', url: name }, false, { signal }) : nodeSource(name);
}

/** Whether MODEL names an http(s) address rather than a path. */
export function isUrl(name: string): boolean {
  return /^https?:\/\//i.test(name);
}
