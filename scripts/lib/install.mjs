import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findChromium, softwareGpuEnvironment } from './chromium.mjs';
import { output, ROOT, run, SetupError, which } from './process.mjs';

/** What Vite needs. */
const OLDEST_NODE = { major: 20, minor: 19 };

/** Longest time to wait for a browser download before trying the distribution's package. */
const DOWNLOAD_TIMEOUT_MS = 300_000;

/**
 * Installs the npm packages when there are none, or when the lock file is newer than what is installed.
 * @returns {Promise<void>}
 * @throws {SetupError} when Node is too old or npm fails
 */
export async function ensureNodeModules() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
    const oldest = `${OLDEST_NODE.major}.${OLDEST_NODE.minor}`;
    throw new SetupError(`Node ${process.versions.node} is too old.`, `Install Node ${oldest} or newer.`);
  }
  const installed = join(ROOT, 'node_modules/.package-lock.json');
  const lock = join(ROOT, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say('Installing npm packages (npm ci) ...');
  const status = await run('npm', ['ci', '--no-audit', '--no-fund']);
  if (status !== 0) {
    throw new SetupError(
      `npm ci failed with status ${status}.`,
      'See the lines above; check the network and try again.',
    );
  }
}

/**
 * A Chromium to test with: one that is there, else Playwright's download, else the distribution's package.
 * @returns {Promise<string>} path of the program
 * @throws {SetupError} when none of the three works
 */
export async function ensureChromium() {
  const there = findChromium();
  if (there !== undefined) return there;
  say("No Chromium found. Downloading Playwright's ...");
  await downloadChromium();
  const downloaded = findChromium();
  if (downloaded !== undefined) return downloaded;
  say("That did not work. Installing the distribution's package ...");
  await aptInstall(['chromium']);
  const packaged = findChromium();
  if (packaged !== undefined) return packaged;
  throw new SetupError(
    'No Chromium could be found or installed.',
    'Install Chromium or Chrome by hand (Debian: apt-get install chromium) or set CHROME_PATH to one.',
  );
}

async function downloadChromium() {
  const cli = join(ROOT, 'node_modules/playwright-core/cli.js');
  const withDeps = existsSync('/usr/bin/apt-get') && asRoot() !== undefined ? ['--with-deps'] : [];
  await run(process.execPath, [cli, 'install', '--no-shell', ...withDeps, 'chromium'], {
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  });
}

/**
 * The environment in which Dawn runs under Node on the software GPU; installs the Vulkan loader when it is missing.
 * @param {string} chromium
 * @returns {Promise<Record<string, string>>}
 */
export async function ensureSoftwareGpu(chromium) {
  const gpu = softwareGpuEnvironment(chromium);
  if (process.platform !== 'linux' || hasVulkanLoader()) return gpu;
  say('Installing the Vulkan loader (libvulkan1) ...');
  await aptInstall(['libvulkan1']);
  if (hasVulkanLoader()) return gpu;
  // Chromium carries a loader of its own beside the driver.
  const folder = gpu.VK_ICD_FILENAMES === undefined ? undefined : dirname(gpu.VK_ICD_FILENAMES);
  if (folder !== undefined && existsSync(join(folder, 'libvulkan.so.1'))) return { ...gpu, LD_LIBRARY_PATH: folder };
  throw new SetupError(
    'The Vulkan loader libvulkan.so.1 is missing, so Dawn finds no adapter under Node.',
    'Install it (Debian, Ubuntu: apt-get install libvulkan1).',
  );
}

function hasVulkanLoader() {
  const list = output('/sbin/ldconfig', ['-p']) ?? output('ldconfig', ['-p']);
  return list?.includes('libvulkan.so.1') === true;
}

/**
 * The words before a command that needs root; undefined when there is no way to be root without asking.
 * @returns {readonly string[] | undefined}
 */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  if (which('sudo') === undefined) return undefined;
  // On a terminal sudo may ask for the password; elsewhere it must not.
  return process.stdin.isTTY ? ['sudo'] : output('sudo', ['-n', 'true']) === undefined ? undefined : ['sudo', '-n'];
}

/**
 * @param {readonly string[]} packages
 * @returns {Promise<void>}
 */
async function aptInstall(packages) {
  const root = asRoot();
  if (root === undefined || which('apt-get') === undefined) return;
  // `env` hands the setting through sudo.
  const apt = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q'];
  const asRootRun = (/** @type {readonly string[]} */ args) => {
    const [command = 'env', ...rest] = [...root, 'env', ...apt, ...args];
    return run(command, rest);
  };
  await asRootRun(['update']);
  await asRootRun(['install', '-y', '--no-install-recommends', ...packages]);
}

/** @param {string} line */
function say(line) {
  console.log(line);
}
