import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, ROOT, SetupError } from './process.mjs';

const SYSTEM_ICDS = '/usr/share/vulkan/icd.d';
const FOLDER = join(ROOT, '.cache/lavapipe');
const DRIVER = 'mesa-vulkan-drivers';

/**
 * The environment in which llama.cpp's Vulkan back end runs on Mesa's software driver. Where the system has none, Debian's packages are unpacked below .cache/: nothing
 * is installed, and nobody else's choice of a driver changes.
 * @returns {Record<string, string>}
 * @throws {SetupError} where there is no driver and no apt to fetch one
 */
export function lavapipeEnvironment() {
  const system = icdIn(SYSTEM_ICDS);
  // A software device must be named: llama.cpp passes over it otherwise.
  if (system !== undefined) return { VK_ICD_FILENAMES: system, VK_DRIVER_FILES: system, GGML_VK_VISIBLE_DEVICES: '0' };
  const own = join(FOLDER, 'lavapipe.json');
  if (!existsSync(own)) unpack(own);
  const libraries = join(FOLDER, 'usr/lib', triplet());
  return { VK_ICD_FILENAMES: own, VK_DRIVER_FILES: own, GGML_VK_VISIBLE_DEVICES: '0', LD_LIBRARY_PATH: libraries };
}

/** @param {string} icd where the driver's description goes */
function unpack(icd) {
  mkdirSync(FOLDER, { recursive: true });
  const depends = output('apt-cache', ['depends', DRIVER]);
  if (depends === undefined) {
    throw new SetupError(
      'There is no software Vulkan driver that llama.cpp can use.',
      `Install Mesa's lavapipe (Debian: ${DRIVER}).`,
    );
  }
  const missing = [...depends.matchAll(/Depends: ([\w.+-]+)/g)].flatMap(([, name = '']) =>
    isInstalled(name) ? [] : [name],
  );
  const got = spawnSync('apt-get', ['-q', 'download', DRIVER, ...missing], { cwd: FOLDER, encoding: 'utf8' });
  if (got.status !== 0)
    throw new SetupError(
      `apt-get download failed: ${got.stderr.slice(-300)}`,
      `Install Mesa's lavapipe (Debian: ${DRIVER}).`,
    );
  for (const deb of readdirSync(FOLDER).filter((name) => name.endsWith('.deb')))
    spawnSync('dpkg-deb', ['-x', deb, '.'], { cwd: FOLDER });
  const described = icdIn(join(FOLDER, 'usr/share/vulkan/icd.d'));
  if (described === undefined)
    throw new SetupError(`${DRIVER} has no lavapipe.`, 'Install another software Vulkan driver.');
  /** @type {{ ICD: { library_path: string } }} */
  const description = JSON.parse(readFileSync(described, 'utf8'));
  const library = description.ICD.library_path.replace(/^.*\//, '');
  description.ICD.library_path = join(FOLDER, 'usr/lib', triplet(), library);
  writeFileSync(icd, JSON.stringify(description));
}

/** @param {string} folder */
function icdIn(folder) {
  const name = existsSync(folder) ? readdirSync(folder).find((file) => file.startsWith('lvp_icd')) : undefined;
  return name === undefined ? undefined : join(folder, name);
}

/** @param {string} name */
function isInstalled(name) {
  return output('dpkg-query', ['-W', '-f=${Status}', name])?.includes('install ok installed') === true;
}

/** Debian's name of this machine. */
function triplet() {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}
