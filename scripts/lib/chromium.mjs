import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isExecutable, which } from './process.mjs';

/** Program names that a Chromium or Chrome goes by, in the order of preference. */
const NAMES = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser'];

/** Where they are on systems that put no program on PATH. */
const PLACES = [
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Longest time that a browser may take to tell its version. */
const START_TIMEOUT_MS = 30_000;

/** SwiftShader's Vulkan driver manifest, which every Chromium carries beside its program. */
const ICD_NAME = 'vk_swiftshader_icd.json';

/**
 * Finds a Chromium that starts: CHROME_PATH, a system one, or Playwright's download.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} path of the program
 */
export function findChromium(env = process.env) {
  if (env.CHROME_PATH !== undefined && env.CHROME_PATH !== '') return env.CHROME_PATH;
  const found = [...NAMES.map(which), ...PLACES.filter(isExecutable), playwrightChromium()];
  return found.find((path) => path !== undefined && starts(path));
}

/**
 * The Chromium that Playwright downloads, if it has been.
 * @returns {string | undefined}
 */
export function playwrightChromium() {
  try {
    const require = createRequire(import.meta.url);
    /** @type {{ chromium: { executablePath(): string } }} */
    const playwright = require('playwright-core');
    const path = playwright.chromium.executablePath();
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ubuntu's chromium-browser is a script that only says where to get the snap: a program counts when it tells its version.
 * @param {string} path
 * @returns {boolean}
 */
function starts(path) {
  return spawnSync(path, ['--version'], { timeout: START_TIMEOUT_MS, stdio: 'ignore' }).status === 0;
}

/**
 * The manifest of the software GPU (SwiftShader) that belongs to a Chromium.
 * @param {string} chromium path of the program, which may be a link or a wrapper script
 * @returns {string | undefined}
 */
export function swiftshaderIcd(chromium) {
  const folders = [
    dirname(realpathIfThere(chromium)),
    '/usr/lib/chromium',
    '/usr/lib64/chromium',
    '/opt/google/chrome',
  ];
  return folders.map((folder) => join(folder, ICD_NAME)).find((path) => existsSync(path));
}

/**
 * The manifest of the software GPU of any Chromium on this machine, without starting one.
 * @returns {string | undefined}
 */
export function anySwiftshaderIcd() {
  for (const program of [...NAMES.map(which), ...PLACES, playwrightChromium()]) {
    const icd = program === undefined ? undefined : swiftshaderIcd(program);
    if (icd !== undefined) return icd;
  }
  return undefined;
}

/**
 * The environment in which Dawn under Node finds the same software GPU that the browser tests use. Empty where the person has
 * chosen a driver, and on systems where Dawn does not use Vulkan.
 * @param {string | undefined} chromium
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Record<string, string>}
 */
export function softwareGpuEnvironment(chromium, env = process.env) {
  if (process.platform !== 'linux' || env.VK_ICD_FILENAMES !== undefined || env.VK_DRIVER_FILES !== undefined)
    return {};
  const icd = chromium === undefined ? undefined : swiftshaderIcd(chromium);
  return icd === undefined ? {} : { VK_ICD_FILENAMES: icd };
}

/**
 * @param {string} path
 * @returns {string}
 */
function realpathIfThere(path) {
  return existsSync(path) ? realpathSync(path) : path;
}
