// npm run record-sample: the stories that the page shows before anything is run: real runs of the sample model, healthy and with a defect.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, run, runMain } from './lib/process.mjs';

/** Digits of a statistic; the page shows two, and the trace is fetched before anything is drawn. */
const DIGITS = 6;
/** The command's exit status where the sides part: what a defect is put in for. */
const DIVERGED = 1;

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  const { runnerImport } = await import('vite');
  const { module } = await runnerImport(join(ROOT, 'src/store/stories.ts'));
  const folder = mkdtempSync(join(tmpdir(), 'moescope-'));
  try {
    const model = join(ROOT, 'public/sample/tiny-moe-6x16-Q4_K_M.gguf');
    const cli = join(ROOT, 'dist/cli/moescope.js');
    for (const { id, inject } of module.STORIES) {
      const json = join(folder, `${id}.json`);
      const defects = inject.flatMap((/** @type {string} */ spec) => ['--inject', spec]);
      const order = ['trace', model, '--prompt', module.STORY_PROMPT, ...defects, '--json', json];
      const code = await run(process.execPath, [cli, ...order]);
      if (code !== (inject.length === 0 ? 0 : DIVERGED)) return code === 0 ? DIVERGED : code;
      const report = JSON.parse(readFileSync(json, 'utf8'));
      writeFileSync(join(ROOT, `public/sample/recorded-${id}.json`), lines(report));
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * @param {string} key
 * @param {unknown} value
 * @returns {unknown}
 */
function short(key, value) {
  // What is interesting of a cosine is its distance from 1.
  if (typeof value !== 'number' || Number.isInteger(value) || key === 'cosine') return value;
  return Number(value.toPrecision(DIGITS));
}

/**
 * One member a line, and of its lists one item a line: half as large as indented, and a change can still be reviewed.
 * @param {Readonly<Record<string, unknown>>} report
 * @returns {string}
 */
function lines(report) {
  const members = Object.entries(report).map(([key, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((item) => JSON.stringify(item, short)).join(',\n')}\n]`
      : JSON.stringify(value);
    return `${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${members.join(',\n')}\n}\n`;
}
