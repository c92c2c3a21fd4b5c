import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fail } from '../../base/errors';
import type { LiveBackend } from '../../model/live';
import { FFI_VERSION, libraryPackage, LIBRARY_VERSION, type Platform } from './packages';

const LIBRARY = /^(?:lib)?llama(?:\.[\w.]*)?\.(?:so|dylib|dll)$|^libllama\.so(?:\.\d+)*$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where `moescope setup llama.cpp` installs: the user's cache, a folder for each pair of versions. `MOESCOPE_LLAMA_CPP` names another. */
export function installFolder(env: Environment, { platform }: Pick<Platform, 'platform'>): string {
  const chosen = env['MOESCOPE_LLAMA_CPP'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const home = homedir();
  const cache =
    platform === 'win32'
      ? (env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Caches')
        : (env['XDG_CACHE_HOME'] ?? join(home, '.cache'));
  return join(cache, 'moescope', `llama.cpp-${LIBRARY_VERSION}-koffi-${FFI_VERSION}`);
}

/** What the child process needs. */
export interface Installed {
  /** Folder whose `node_modules` holds koffi. */
  readonly ffi: string;
  /** Path of llama.cpp's library. */
  readonly library: string;
}

/**
 * Finds koffi and a llama.cpp: what `library` names (a file, or a folder that holds one), else the installed package of the back end. Looked for
 * in the folder of `setup`, then upwards from `from`, where a project may have the packages among its own.
 * @throws TracerError `engine-missing`
 */
export function findInstalled(
  backend: LiveBackend,
  library: string | undefined,
  machine: Platform,
  places: { readonly env: Environment; readonly from: string },
): Installed {
  const folders = [installFolder(places.env, machine), ...upwards(places.from)];
  const ffi = folders.find((folder) => existsSync(join(folder, 'node_modules', 'koffi', 'package.json')));
  if (ffi === undefined) {
    throw fail(
      'engine-missing',
      'koffi, which calls llama.cpp, is not installed.',
      `Run moescope setup llama.cpp${backend === 'cpu' ? '' : `:${backend}`} once.`,
      { backend },
    );
  }
  if (library !== undefined) return { ffi, library: namedLibrary(library) };
  const name = libraryPackage(backend, machine);
  if (name === undefined) {
    throw fail(
      'engine-missing',
      `npm has no llama.cpp with ${backend} for ${machine.platform}-${machine.arch}.`,
      'Build one as shared libraries and name its folder with --lib.',
      { backend },
    );
  }
  for (const folder of folders) {
    const bins = join(folder, 'node_modules', name, 'bins');
    for (const variant of existsSync(bins) ? readdirSync(bins) : []) {
      const found = libraryIn(join(bins, variant));
      if (found !== undefined) return { ffi, library: found };
    }
  }
  throw fail(
    'engine-missing',
    `llama.cpp with ${backend} is not installed.`,
    `Run moescope setup llama.cpp:${backend} once, or name a shared build with --lib.`,
    { backend, package: name },
  );
}

/** Whether a path is a llama.cpp library, or a folder that holds one, and no dump. */
export function isLibrary(path: string): boolean {
  if (!existsSync(path)) return false;
  return statSync(path).isDirectory() ? libraryIn(path) !== undefined : /\.(?:so(?:\.\d+)*|dylib|dll|node)$/.test(path);
}

function namedLibrary(path: string): string {
  const found = existsSync(path) ? (statSync(path).isDirectory() ? libraryIn(path) : resolve(path)) : undefined;
  if (found !== undefined) return found;
  throw fail(
    'engine-missing',
    `There is no llama library at ${path}.`,
    'Name the folder that holds libllama (of a build with -DBUILD_SHARED_LIBS=ON), or the library itself.',
    { path },
  );
}

function libraryIn(folder: string): string | undefined {
  const name = readdirSync(folder)
    .filter((file) => LIBRARY.test(file))
    .sort()[0];
  return name === undefined ? undefined : join(resolve(folder), name);
}

function upwards(from: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === dirname(folder)) return folders;
  }
}
