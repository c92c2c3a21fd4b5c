import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLibrary, type Installed } from '../src/engine/llama-cpp/install-folder';
import { libraryPackage } from '../src/engine/llama-cpp/packages';
import { installedHere } from '../tests/engine/llama-cpp-support';

const CACHE = fileURLToPath(new URL('../.cache/llama-cpp-versions', import.meta.url));

/** Another version of npm's prebuilt llama.cpp than the pinned one, installed once below `.cache`; koffi stays the pinned one. */
export async function installedVersion(version: string): Promise<Installed> {
  const { ffi } = await installedHere();
  const name = libraryPackage('cpu', process);
  if (name === undefined) throw new Error(`npm has no llama.cpp for ${process.platform}-${process.arch}`);
  const folder = join(CACHE, version);
  const bins = join(folder, 'node_modules', name, 'bins');
  if (!existsSync(bins)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--no-save'];
    execFileSync('npm', ['install', ...options, `${name}@${version}`], { cwd: folder, stdio: 'pipe' });
  }
  const found = readdirSync(bins)
    .map((variant) => join(bins, variant))
    .find((variant) => isLibrary(variant));
  if (found === undefined) throw new Error(`${name}@${version} has no library`);
  const library = readdirSync(found)
    .filter((file) => /^lib?llama[\w.]*\.(?:so|dylib|dll)/.test(file))
    .sort()[0];
  return { ffi, library: join(found, library ?? '') };
}
