import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fail, toErrorData } from '../../base/errors';
import { openRemote } from '../../cache/open-remote';
import type { ByteSource } from '../../gguf/byte-source';
import type { ModelFile } from '../../gguf/model-file';
import { nodeSource } from '../../gguf/node-source';
import { openModel } from '../../gguf/open-model';
import { allPartNames } from '../../gguf/split-names';
import type { Headers } from './headers';

/** What stands for the sample model that comes with MoEscope. */
export const SAMPLE_NAME = 'sample:';
const SAMPLE_FILE = 'sample/tiny-moe-6x16-Q4_K_M.gguf';

/** The paths or addresses of the files of MODEL. @throws TracerError `usage`, `source-read` */
export async function modelPaths(model: string | readonly string[]): Promise<readonly string[]> {
  const names = typeof model === 'string' ? [model] : model;
  for (const name of names) checkReadable(name);
  const paths = await Promise.all(names.map(modelPath));
  const [only = ''] = paths;
  return paths.length > 1 ? paths : allPartNames(only);
}

/** MODEL as a path or an address: {@link SAMPLE_NAME} becomes the path of the sample. @throws TracerError `source-read` */
async function modelPath(name: string): Promise<string> {
  if (name !== SAMPLE_NAME) return name;
  // Beside the page in the package and after a build; in the sources otherwise.
  const places = [`../${SAMPLE_FILE}`, `../../../public/${SAMPLE_FILE}`].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  for (const place of places) {
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  throw fail('source-read', 'The sample model is not installed.', 'Install the package anew, or give a path.', {
    places: places.join(', '),
  });
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told what is wrong with a model that can be looked at all the same, instead of an error. */
  readonly report?: ((error: Error) => void) | undefined;
  /** For an address: what its server asks for. */
  readonly headers?: Headers | undefined;
}

/**
 * Opens MODEL: a path or an http(s) address, or `sample:`; of a split file any one part, whose name tells the others, or all of them.
 * @throws TracerError `source-*`, `gguf-*`
 */
export async function openNamedModel(
  model: string | readonly string[],
  { signal, headers, report }: OpenOptions = {},
): Promise<ModelFile> {
  const sources: ByteSource[] = [];
  try {
    const parts = await modelPaths(model);
    for (const [i, part] of parts.entries()) {
      const source = openPart(part, signal, headers);
      sources.push(
        await (parts.length === 1
          ? source
          : ofSplit(source, i + 1, parts.length, typeof model === 'object' && model.length > 1)),
      );
    }
  } catch (error) {
    await Promise.allSettled(sources.map((source) => source.close()));
    throw error;
  }
  return openModel(sources, signal, report);
}

/** @throws TracerError `usage`: an address of a kind that is not read, or standard input */
function checkReadable(name: string): void {
  if (name === '-') {
    throw fail(
      'usage',
      'A model is not read from standard input: it is read at many places.',
      'Give a path or an http(s) address.',
    );
  }
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(name) ?? [];
  if (scheme === undefined || isUrl(name)) return;
  const isFile = scheme.toLowerCase() === 'file';
  throw fail(
    'usage',
    `Addresses that begin with ${scheme}: are not read.`,
    isFile ? 'Give the path without file://.' : 'Give an http(s) address, or download the file and give its path.',
    { scheme },
  );
}

/** A part of a split file; one that cannot be opened is reported as such, since MODEL names another one. */
function ofSplit(source: Promise<ByteSource>, part: number, of: number, isGiven: boolean): Promise<ByteSource> {
  return source.catch((error: unknown) => {
    const { code, message, detail } = toErrorData(error);
    if (!code.startsWith('source-')) throw error;
    const remedy = isGiven
      ? 'Several paths are the parts of one split model. Quote a value that holds blanks.'
      : 'Put all parts beside each other, under the names that they were published with, or give the path of each.';
    throw fail(code, `Part ${part} of ${of}: ${message}`, remedy, { ...detail, part, parts: of }, error);
  });
}

function openPart(name: string, signal: AbortSignal | undefined, headers: Headers | undefined): Promise<ByteSource> {
  if (!isUrl(name)) return nodeSource(name);
  return openRemote({ kind: 'http', url: name, ...(headers === undefined ? {} : { headers }) }, false, { signal });
}

/** Whether MODEL names an http(s) address rather than a path. */
export function isUrl(name: string): boolean {
  return /^https?:\/\//i.test(name);
}
