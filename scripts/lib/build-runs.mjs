// One run of a built checkout, in Node or on its page: what it captured, and its report.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.mjs';

/**
 * @typedef {{ model: string, prompt: string, tokens: readonly number[], positions: string }} Task
 * @typedef {{ arms: string, mode: string }} Engines
 * @typedef {Record<string, unknown> & { mode: string, layer?: number, stage: string, a: string, b: string, verdict: string }} Row
 * @typedef {{ rows: Row[], verdict: { status: string, first?: { layer?: number, stage: string } } }} Report
 * @typedef {{ arrays: Map<string, Uint8Array>, report: Report }} Made
 * @typedef {{ run: (task: Task, engines: Engines, folder: string) => Promise<Made>, close: () => Promise<void> }} Runtime
 */

/** The sample has golden tensors, and its model ships with the page. */
const SAMPLE = 'tiny-moe-6x16';

/** @param {string} checkout @param {string} model */
export function modelFile(checkout, model) {
  if (model === SAMPLE) return join(checkout, 'public/sample/tiny-moe-6x16-Q4_K_M.gguf');
  return join(checkout, 'tests/golden', model, 'model.gguf');
}

/**
 * The golden models of a checkout, each with its prompts: `p300-last8` is the last 8 positions of a prompt of 300 tokens.
 * @param {string} checkout
 * @returns {Task[]}
 */
export function goldenTasks(checkout) {
  const golden = join(checkout, 'tests/golden');
  return readdirSync(golden).flatMap((model) => {
    if (!existsSync(modelFile(checkout, model))) return [];
    const prompts = readdirSync(join(golden, model)).flatMap(
      (name) => /^(p\d+(?:-last\d+)?)\.npz$/.exec(name)?.[1] ?? [],
    );
    return prompts.map((prompt) => {
      const tokens = tokensOf(join(golden, model, `${prompt}.npz`));
      const last = /-last(\d+)$/.exec(prompt)?.[1];
      const positions = last === undefined ? 'all' : `${tokens.length - Number(last)}..${tokens.length}`;
      return { model, prompt, tokens, positions };
    });
  });
}

/** The member `tokens`, i32. @param {string} file @returns {number[]} */
function tokensOf(file) {
  const { 'tokens.npy': bytes } = unzipSync(readFileSync(file), { filter: ({ name }) => name === 'tokens.npy' });
  if (bytes === undefined) throw new Error(`${file} has no tokens`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = 10 + view.getUint16(8, true);
  return Array.from({ length: (bytes.length - first) / 4 }, (_, i) => view.getInt32(first + 4 * i, true));
}

/** The command line on SwiftShader. @param {string} checkout @returns {Runtime} */
export function nodeRuntime(checkout) {
  return {
    run: async ({ model, tokens, positions }, { arms, mode }, folder) => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      const report = join(folder, 'report.json');
      const what = ['trace', modelFile(checkout, model), '--tokens', tokens.join(), '--positions', positions];
      const how = ['--arms', arms, '--mode', mode, '--runtime', 'node', '--adapter', 'software', '--quiet'];
      const where = ['--save-tensor', folder, '--format', 'npz', '--json', report];
      const { status, stderr } = spawnSync(process.execPath, [commandLine(checkout), ...what, ...how, ...where], {
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
        cwd: checkout,
      });
      if (status !== 0 && status !== 1) throw new Error(`${checkout}: exit status ${status}\n${stderr}`);
      const archives = readdirSync(folder).filter((name) => name.endsWith('.npz'));
      return {
        arrays: new Map(archives.flatMap((name) => [...arraysOf(readFileSync(join(folder, name)))])),
        report: JSON.parse(readFileSync(report, 'utf8')),
      };
    },
    close: async () => undefined,
  };
}

/** The page in headless Chromium, on SwiftShader: a page of its own for each run. @param {string} checkout @returns {Promise<Runtime>} */
export async function browserRuntime(checkout) {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('No Chromium was found: set CHROME_PATH.');
  const server = spawn(process.execPath, [commandLine(checkout), 'serve', '--port', '0', '--json', '-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    server.stdout.once('data', (/** @type {Buffer} */ text) => resolve(JSON.parse(text.toString()).url));
    server.once('exit', (status) => reject(new Error(`${checkout}: serve ended with ${status}`)));
  });
  const args = [
    '--no-first-run',
    '--disable-background-networking',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
  ];
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    chromiumSandbox: process.getuid?.() !== 0,
    args,
  });
  return {
    run: async (task, engines) => {
      const page = await browser.newPage();
      try {
        await page.goto(url);
        const report = await runOnPage(page, modelFile(checkout, task.model), task, engines);
        return { arrays: await arraysOfPage(page), report: JSON.parse(report) };
      } finally {
        await page.close();
      }
    },
    close: async () => {
      await browser.close();
      server.kill();
    },
  };
}

/**
 * Runs a model over `window.moescope`, or, where a build has less of it, by the page's fields.
 * @param {import('playwright-core').Page} page @param {string} file @param {Task} task @param {Engines} engines
 * @returns {Promise<string>} the report as JSON text
 */
async function runOnPage(page, file, task, engines) {
  const hasApi = await page.evaluate(() => 'run' in window.moescope);
  if (!hasApi) return runByFields(page, file, task, engines);
  const picker = await page.evaluateHandle(() => Object.assign(document.createElement('input'), { type: 'file' }));
  await picker.setInputFiles(file);
  return picker.evaluate(
    async ({ files }, { tokens, positions, arms, mode }) => {
      await window.moescope.open([...(files ?? [])]);
      /** @type {any} */
      const request = { tokens, positions, arms: arms.split(','), mode };
      return JSON.stringify(await window.moescope.run(request));
    },
    { ...task, ...engines },
  );
}

/** @param {import('playwright-core').Page} page @param {string} file @param {Task} task @param {Engines} engines */
async function runByFields(page, file, { tokens, positions }, { arms, mode }) {
  /** @param {string} state */
  const reach = (state) =>
    page.waitForFunction((wanted) => document.documentElement.dataset['state'] === wanted, state, { timeout: 0 });
  await page.locator('input[type="file"]').first().setInputFiles(file);
  await reach('ready');
  await page.getByRole('textbox', { name: 'Token ids' }).fill(tokens.join(', '));
  const positionsField = page.locator('input').and(page.getByLabel(/^Positions\b/));
  await positionsField.evaluate((input) => input.closest('details')?.setAttribute('open', ''));
  await positionsField.fill(positions);
  await page.getByRole('group', { name: 'Mode' }).getByRole('radio', { name: mode }).check({ force: true });
  await page.getByRole('combobox', { name: /^Arms\b/ }).selectOption(arms);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await reach('done');
  return page.evaluate(() => window.moescope.report().then((report) => JSON.stringify(report)));
}

/** What the page kept of the run. @param {import('playwright-core').Page} page */
async function arraysOfPage(page) {
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Share…' }).first().click();
  const save = page.getByRole('button', { name: 'Tensors, NPZ', exact: true });
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  return arraysOf(readFileSync(await download.path()));
}

/** @param {Uint8Array} archive @returns {Map<string, Uint8Array>} */
function arraysOf(archive) {
  return new Map(Object.entries(unzipSync(archive)).filter(([path]) => path.endsWith('.npy')));
}

/** @param {string} checkout */
function commandLine(checkout) {
  return join(checkout, 'dist/cli/moescope.js');
}
