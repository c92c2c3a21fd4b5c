import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../base/errors';
import type { LiveBackend } from '../../model/live';
import { packagesToInstall, type Platform } from './packages';

/** Characters of npm's own words that a failure repeats. */
const SHOWN = 600;

/** What an installation did. */
export interface SetupResult {
  readonly folder: string;
  readonly packages: readonly string[];
  /** Everything was there already. */
  readonly unchanged: boolean;
}

/**
 * Installs llama.cpp's prebuilt libraries and koffi with npm, versions pinned, into a folder of their own. No script of a package is run and
 * nothing else is installed: by their optional dependencies all back ends would come, CUDA's gigabyte too.
 * @throws TracerError `engine-missing` where npm has no build or fails
 */
export async function setUpLlamaCpp(
  backends: readonly LiveBackend[],
  folder: string,
  machine: Platform,
  signal?: AbortSignal,
): Promise<SetupResult> {
  const packages = packagesToInstall(backends, machine);
  const unchanged = packages.every((wanted) =>
    existsSync(join(folder, 'node_modules', nameOf(wanted), 'package.json')),
  );
  if (unchanged) return { folder, packages, unchanged };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  // What another back end's setup installed here stays: npm removes what is not asked for.
  const args = [
    'install',
    '--ignore-scripts',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    '--no-save',
    ...(await heldBefore(folder)),
    ...packages,
  ];
  const { status, text } = await run('npm', args, folder, machine, signal);
  if (status === 0) return { folder, packages, unchanged: false };
  throw fail(
    'engine-missing',
    `npm failed with status ${status}: ${text}`,
    'Check the network and the registry (npm config get registry), then run it again.',
    { folder, packages: packages.join(' ') },
  );
}

function nameOf(wanted: string): string {
  return wanted.slice(0, wanted.lastIndexOf('@'));
}

async function heldBefore(folder: string): Promise<readonly string[]> {
  const scope = join(folder, 'node_modules', '@node-llama-cpp');
  const names = await readdir(scope).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(scope, name, 'package.json'), 'utf8');
      const { version } = JSON.parse(text) as { readonly version: string };
      return `@node-llama-cpp/${name}@${version}`;
    }),
  );
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  { platform }: Platform,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    // npm is a script on Windows.
    const child = spawn(program, [...args], {
      cwd,
      shell: platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(-SHOWN);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ status: code ?? 1, text: text.trim() });
    });
  });
}
