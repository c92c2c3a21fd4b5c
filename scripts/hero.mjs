// npm run hero: the pictures and the terminal text at the head of the README, made from a real run of the sample model with a known defect.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { findChromium } from './lib/chromium.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, runMain, SetupError } from './lib/process.mjs';
import { DIVERGED, runCommand, typed, writePart } from './lib/recorded-run.mjs';

/** The page at the size of a laptop's window, drawn at its own pixels: twice as many make files that a clone feels. */
const SIZE = { width: 1280, height: 800 };
const PROMPT = 'The cat sat on the mat.';
const DEFECT = 'qtype-blind@layer=2';
const FOLDER = join(ROOT, 'docs/pictures');
/** Lines of the terminal that are shown: the verdict and its facts, not the table of stages. */
const TERMINAL_LINES = 9;

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['page', 'cli']);
  mkdirSync(FOLDER, { recursive: true });
  terminal();
  await pictures();
  return 0;
});

/** The terminal's text, into the README. */
function terminal() {
  const order = ['trace', 'sample:', '--prompt', PROMPT, '--inject', DEFECT];
  const lines = runCommand(order, DIVERGED).split('\n').slice(0, TERMINAL_LINES);
  const text = ['```', `$ ${typed(order)}`, ...lines.map((line) => line.trimEnd()), '```'].join('\n');
  writePart(join(ROOT, 'README.md'), ['<!-- terminal: npm run hero -->', '<!-- /terminal -->'], text);
}

/** The page after the run has been made on it, light and dark. */
async function pictures() {
  const { chromium } = await import('playwright-core');
  const executablePath = findChromium();
  if (executablePath === undefined) throw new SetupError('No Chromium was found.', 'Install one, or set CHROME_PATH.');
  const server = await serve();
  const browser = await chromium.launch({
    executablePath,
    args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    chromiumSandbox: process.getuid?.() !== 0,
  });
  try {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme });
      await page.goto(server.url);
      await page.waitForFunction('window.moescope !== undefined');
      const run = { prompt: PROMPT, inject: [DEFECT] };
      await page.evaluate(
        `window.moescope.open(['sample/tiny-moe-6x16-Q4_K_M.gguf']).then(() => window.moescope.run(${JSON.stringify(run)}))`,
      );
      await page.waitForFunction('document.documentElement.dataset.state === "done"');
      await page.waitForTimeout(1000);
      await page.screenshot({ path: join(FOLDER, `verdict-${colorScheme}.png`) });
      await page.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

/** @returns {Promise<{ url: string, close: () => Promise<void> }>} */
async function serve() {
  const { runnerImport } = await import('vite');
  const { module } = await runnerImport(pathToFileURL(join(ROOT, 'src/cli/serve/static-server.ts')).href);
  return module.startStaticServer({ folder: join(ROOT, 'dist'), host: 'localhost', port: 0 });
}
