import { fail } from '../base/errors';
import { blobSource } from './blob-source';
import type { ByteSource, SourceDescriptor } from './byte-source';
import { httpSource } from './http-source';
import { memorySource } from './memory-source';

/** Opens a file path: `nodeSource` where there is a file system; the page has none and passes nothing. */
export type PathOpener = (path: string, modified?: number) => Promise<ByteSource>;

export interface OpenSourceOptions {
  readonly openPath?: PathOpener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens what a descriptor names. This thread's own handle: close it here.
 * @throws TracerError `source-read`, `source-range`.
 */
export async function openSource(descriptor: SourceDescriptor, options: OpenSourceOptions = {}): Promise<ByteSource> {
  switch (descriptor.kind) {
    case 'blob':
      return blobSource(descriptor.blob, descriptor.name);
    case 'memory':
      return memorySource(descriptor.bytes, descriptor.name);
    case 'http':
      return httpSource(descriptor, { signal: options.signal });
    case 'path': {
      if (options.openPath !== undefined) return options.openPath(descriptor.path, descriptor.modified);
      throw fail(
        'source-read',
        `${descriptor.path} is a path, and a page cannot open paths.`,
        'Choose the file, or give an http address.',
        { path: descriptor.path },
      );
    }
  }
}
