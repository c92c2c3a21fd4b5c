import type { ByteSource, SourceDescriptor } from '../gguf/byte-source';
import { httpSource, type HttpOptions } from '../gguf/http-source';
import { openCachedModel } from './model-cache';
import { memoryStore } from './memory-store';
import { sharedSource } from './shared-source';

/** Memory for what one engine has read and the other will: a layer's experts of a long prompt. */
export const SHARED_BYTES = 256 * 2 ** 20;

/**
 * A remote file. What is read of it is kept: with `keep` on this device where the browser allows it, else in memory for the other engine.
 * @throws TracerError as `httpSource`
 */
export async function openRemote(
  descriptor: Extract<SourceDescriptor, { kind: 'http' }>,
  keep: boolean,
  options: HttpOptions = {},
): Promise<ByteSource> {
  const source = await httpSource(descriptor, options);
  const kept = keep && source.descriptor.kind === 'http' ? await openCachedModel(source.descriptor) : undefined;
  return sharedSource(source, kept ?? memoryStore(SHARED_BYTES));
}
