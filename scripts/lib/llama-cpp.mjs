import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, run, SetupError } from './process.mjs';

/** llama.cpp as npm has it, with prebuilt programs: https://www.npmjs.com/package/node-llama-cpp */
const VERSION = '3.22.1';
const FOLDER = join(ROOT, '.cache/peers');

/** Prebuilt programs of each backend, by platform. */
const PREBUILT = /** @type {const} */ ({
  cpu: ['linux-x64', 'linux-arm64', 'mac-x64', 'win-x64', 'win-arm64'],
  vulkan: ['linux-x64-vulkan', 'win-x64-vulkan'],
  metal: ['mac-arm64-metal'],
});

/** @typedef {keyof typeof PREBUILT} Backend */

/**
 * The backends that there are prebuilt programs for on this machine.
 * @returns {readonly Backend[]}
 */
export function llamaBackends() {
  return /** @type {Backend[]} */ (Object.keys(PREBUILT)).filter((backend) => packageOf(backend) !== undefined);
}

/**
 * @param {Backend} backend
 * @returns {string | undefined}
 */
function packageOf(backend) {
  const platform = { darwin: 'mac', win32: 'win' }[/** @type {string} */ (process.platform)] ?? process.platform;
  const suffix = backend === 'cpu' ? '' : `-${backend}`;
  const name = `${platform}-${process.arch}${suffix}`;
  return PREBUILT[backend].some((known) => known === name) ? `@node-llama-cpp/${name}` : undefined;
}

/**
 * Installs llama.cpp for these backends below .cache/ unless it is there; the project's own packages stay as they are.
 * @param {readonly Backend[]} backends
 * @returns {Promise<string>} address of its entry
 * @throws {SetupError} when npm fails
 */
export async function ensureLlamaCpp(backends) {
  const entry = join(FOLDER, 'node_modules/node-llama-cpp/dist/index.js');
  const packages = backends.flatMap((backend) => packageOf(backend) ?? []);
  if (![entry, ...packages.map((name) => join(FOLDER, 'node_modules', name))].every((path) => existsSync(path))) {
    await mkdir(FOLDER, { recursive: true });
    await writeFile(join(FOLDER, 'package.json'), '{ "private": true }\n');
    console.error(`Installing llama.cpp (node-llama-cpp ${VERSION}) below .cache/peers ...`);
    // The prebuilt programs by name: as optional packages all backends would come, CUDA's gigabyte too.
    const wanted = ['node-llama-cpp', ...packages].map((name) => `${name}@${VERSION}`);
    const npm = ['install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', ...wanted];
    const status = await run('npm', npm, { cwd: FOLDER });
    if (status !== 0) throw new SetupError(`npm failed with status ${status}.`, 'See the lines above.');
  }
  return pathToFileURL(entry).href;
}
