// npm test: install what is missing, build, run every test, end with one line `N passed, N failed`.
//   npm test                 unit tests (vitest) and browser tests (Playwright)
//   npm test -- unit         one of them; also: browser, typecheck, lint, format
//   npm test -- all          all five
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureChromium, ensureNodeModules, ensureSoftwareGpu } from './lib/install.mjs';
import { ROOT, run, runMain, SetupError } from './lib/process.mjs';
import { addCounts, checkCounts, playwrightCounts, summaryLine, vitestCounts } from './lib/summary.mjs';

const REPORTS = join(ROOT, 'test-results');
const VITEST_REPORT = join(REPORTS, 'vitest.json');
const PLAYWRIGHT_REPORT = join(REPORTS, 'playwright.json');

/** @typedef {import('./lib/summary.mjs').Counts} Counts */

/** @typedef {{ tests: boolean, run: (env: NodeJS.ProcessEnv) => Promise<Counts> }} Stage */

/**
 * Every stage by name. `tests` stages need a browser, a software GPU and the build.
 * @type {Record<string, Stage>}
 */
const STAGES = {
  typecheck: { tests: false, run: () => check('typecheck', 'typescript/bin/tsc', ['--noEmit']) },
  lint: { tests: false, run: () => check('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']) },
  format: { tests: false, run: () => check('format', 'prettier/bin/prettier.cjs', ['--check', '.']) },
  unit: { tests: true, run: unitTests },
  browser: { tests: true, run: browserTests },
};

await runMain(async () => {
  const stages = chosenStages(process.argv.slice(2));
  /** @type {Counts[]} */
  const parts = [];
  try {
    await runStages(stages, parts);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`error: ${error.message}\n  ${error.remedy}`);
    // What could not be set up was not tested: every stage that did not run has failed.
    parts.push({ passed: 0, failed: stages.length - parts.length, notes: [error.message] });
  }
  const total = addCounts(parts);
  for (const note of total.notes) console.log(note);
  console.log(summaryLine(total));
  return total.failed === 0 ? 0 : 1;
});

/**
 * Runs the checks beside each other, then the tests in order, adding each stage's counts.
 * @param {readonly Stage[]} stages
 * @param {Counts[]} parts
 */
async function runStages(stages, parts) {
  await ensureNodeModules();
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  // The checks are one thread each: beside each other they take as long as the longest.
  parts.push(...(await Promise.all(stages.filter((s) => !s.tests).map((stage) => stage.run({})))));
  const testStages = stages.filter((s) => s.tests);
  if (testStages.length === 0) return;
  const chromium = await ensureChromium();
  const env = { CHROME_PATH: chromium, ...(await ensureSoftwareGpu(chromium)) };
  await ensureBuilt();
  for (const stage of testStages) parts.push(await stage.run(env));
}

/** @param {readonly string[]} names */
function chosenStages(names) {
  const wanted = names.length === 0 ? ['unit', 'browser'] : names[0] === 'all' ? Object.keys(STAGES) : names;
  return wanted.map((name) => {
    const stage = STAGES[name];
    if (stage === undefined) {
      throw new SetupError(`There is no stage ${name}.`, `Stages: ${Object.keys(STAGES).join(', ')}, all.`);
    }
    return stage;
  });
}

/**
 * @param {string} name
 * @param {string} program path under node_modules
 * @param {readonly string[]} args
 * @returns {Promise<Counts>}
 */
async function check(name, program, args) {
  console.log(`== ${name} ...`);
  const counts = checkCounts(name, await run(process.execPath, [join(ROOT, 'node_modules', program), ...args]));
  console.log(`== ${name}: ${counts.failed === 0 ? 'passed' : 'FAILED'}`);
  return counts;
}

/** @param {NodeJS.ProcessEnv} env */
async function unitTests(env) {
  console.log('\n== unit tests');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${VITEST_REPORT}`];
  return vitestCounts(VITEST_REPORT, await run(process.execPath, [vitest, 'run', ...reporters], { env }));
}

/** @param {NodeJS.ProcessEnv} env */
async function browserTests(env) {
  console.log('\n== browser tests');
  const playwright = join(ROOT, 'node_modules/@playwright/test/cli.js');
  const withReport = { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: PLAYWRIGHT_REPORT };
  const status = await run(process.execPath, [playwright, 'test', '--reporter=list,json'], { env: withReport });
  return playwrightCounts(PLAYWRIGHT_REPORT, status);
}
