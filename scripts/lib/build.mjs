import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDeclarations } from './declarations.mjs';
import { writeLicences } from './licences.mjs';
import { output, ROOT, run, SetupError } from './process.mjs';

/**
 * What is built: its Vite configuration, the file that proves it is there, and where its stamp is kept.
 * The page comes first because its build empties dist/.
 */
const TARGETS = /** @type {const} */ ([
  { name: 'page', config: 'vite.config.ts', result: 'dist/index.html', entry: 'index.html' },
  { name: 'cli', config: 'vite.cli.config.ts', result: 'dist/cli/moescope.js', entry: 'src/cli/main.ts' },
  {
    name: 'playwright',
    config: 'vite.playwright.config.ts',
    result: 'dist/playwright/entry.d.ts',
    entry: 'src/playwright/entry.ts',
  },
]);

/** @typedef {(typeof TARGETS)[number]['name']} TargetName */

/** Files and folders whose contents decide the build. */
const INPUTS = [
  'src',
  'shaders',
  'wasm',
  'scripts/lib/assemblyscript.mjs',
  'scripts/lib/licences.mjs',
  'public',
  'index.html',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/lib/page-plugins.mjs',
  'vite.config.ts',
  'vite.cli.config.ts',
  'vite.playwright.config.ts',
  'tsconfig.playwright.json',
  'scripts/lib/declarations.mjs',
];

/**
 * Builds the page, the command line and the Playwright fixture unless nothing has changed since they were built.
 * @param {readonly TargetName[]} [only] all when absent
 * @returns {Promise<void>}
 * @throws {SetupError} when a build fails
 */
export async function ensureBuilt(only) {
  const stamp = inputsHash();
  for (const target of TARGETS) {
    if (only !== undefined && !only.includes(target.name)) continue;
    const stampFile = join(ROOT, `.cache/build-${target.name}`);
    const isCurrent =
      existsSync(join(ROOT, target.result)) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
    if (isCurrent) continue;
    console.log(`Building the ${target.name} ...`);
    const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
    const args = [vite, 'build', '--config', target.config, '--logLevel', 'warn'];
    // Every caller, a test runner too, gets the same build.
    let status = await run(process.execPath, args, { env: { NODE_ENV: 'production' } });
    if (status === 0 && target.name === 'playwright') status = await writeDeclarations();
    if (status !== 0) {
      throw new SetupError(`Building the ${target.name} failed.`, 'See the lines above; npm run typecheck says more.');
    }
    if (target.name === 'page') writeLicences();
    if (target.name === 'cli') chmodSync(join(ROOT, target.result), 0o755);
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    writeFileSync(stampFile, stamp);
  }
}

/**
 * SHA-256 over the names and contents of all inputs and the commit that the build names.
 * @returns {string}
 */
function inputsHash() {
  const hash = createHash('sha256').update(output('git', ['rev-parse', 'HEAD']) ?? '');
  for (const input of INPUTS) addToHash(hash, input);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} path relative to the root
 */
function addToHash(hash, path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return;
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full).sort()) addToHash(hash, join(path, name));
    return;
  }
  hash.update(`\0${path}\0`).update(readFileSync(full));
}
