// The second step of the GitHub Action: runs what the inputs ask for, joins the results, tells GitHub.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, runMain, SetupError } from '../lib/process.mjs';
import { addSummary, annotate, booleanInput, input, inputLines, setOutput, shown } from './github.mjs';
import { suiteOfInputs } from './suite-of-inputs.mjs';

/** Exit statuses of the command line, as the output `status`. */
const STATUSES = /** @type {const} */ ({ 0: 'pass', 1: 'diverged', 2: 'error', 3: 'no-adapter' });

const folder = input('output') || 'moescope-results';

await runMain(async () => {
  mkdirSync(folder, { recursive: true });
  try {
    return await runStep();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return told(2, `${error.message} ${error.remedy}`);
  }
});

/** @returns {Promise<number>} */
async function runStep() {
  const merged = join(folder, 'merged.json');
  const shards = shardFiles();
  dropEarlier(shards);
  let status = 0;
  if (shards.length === 0) {
    const out = join(folder, shardName());
    status = await runSuite(out);
    // What one shard found is no report of the suite: the others would count as lost.
    if (isPart()) return told(status, existsSync(out) ? `shard ${input('shard')} is in ${out}` : 'no result');
    shards.push(out);
  }
  if (!shards.every((file) => existsSync(file))) return told(status || 2, 'MoEscope wrote no result; see the log.');
  const [junit, summary] = [join(folder, 'junit.xml'), join(folder, 'summary.md')];
  const joined = await moescope(['merge', ...shards, '--json', merged, '--junit', junit, '--summary', summary]);
  if (!existsSync(merged)) return told(joined || 2, 'The results could not be merged; see the log.');
  addSummary(readFileSync(summary, 'utf8'));
  setOutput('report', merged);
  setOutput('junit', junit);
  /** @type {{ sentence: string }} */
  const { sentence } = JSON.parse(readFileSync(merged, 'utf8'));
  return told(status || joined, sentence);
}

/**
 * Takes away what an earlier step or job left in the folder: a step that fails early must not publish it as its own. Results that are to be merged stay.
 * @param {readonly string[]} merging
 */
function dropEarlier(merging) {
  const keep = new Set(merging.map((file) => resolve(file)));
  for (const name of readdirSync(folder)) {
    const path = resolve(folder, name);
    if (/^(?:merged\.json|junit\.xml|summary\.md|shard-\d+\.json)$/.test(name) && !keep.has(path)) rmSync(path);
    if (name === 'reports') {
      for (const inner of readdirSync(path)) if (/\.(?:json|svg)$/.test(inner)) rmSync(join(path, inner));
    }
  }
}

/**
 * @param {string} out
 * @returns {Promise<number>}
 */
async function runSuite(out) {
  // Not in the folder that becomes the artefact: addresses of models may be signed, and headers are secrets.
  const own = mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), 'moescope-suite-'));
  try {
    return await runSuiteWith(own, out);
  } finally {
    rmSync(own, { recursive: true });
  }
}

/**
 * @param {string} own a folder for what no other step may read
 * @param {string} out
 * @returns {Promise<number>}
 */
function runSuiteWith(own, out) {
  let suite = input('suite');
  if (suite === '') {
    suite = join(own, 'suite.json');
    writeFileSync(suite, `${JSON.stringify(suiteOfInputs(), undefined, 2)}\n`);
  }
  const headers = join(own, 'headers.txt');
  if (input('headers') !== '') writeFileSync(headers, input('headers'), { mode: 0o600 });
  const options = [
    ['--shard', input('shard')],
    ['--seconds', input('seconds')],
    ['--retries', input('retries')],
    ['--baselines', input('baseline')],
    ['--adapter', input('adapter')],
    ['--runtime', input('runtime')],
    ['--header', existsSync(headers) ? `@${headers}` : ''],
  ];
  const given = options.filter(([, value]) => value !== '').flat();
  const update = booleanInput('update-baseline') ? ['--update-baseline'] : [];
  return moescope(['suite', suite, '--out', out, '--reports', join(folder, 'reports'), ...given, ...update]);
}

/**
 * Says how it ended: outputs, one line at the head of the job, where the pictures are.
 * @param {number} status
 * @param {string} sentence
 * @returns {number} the status
 */
function told(status, sentence) {
  const name = STATUSES[/** @type {keyof typeof STATUSES} */ (status)] ?? 'error';
  setOutput('status', name);
  setOutput('sentence', sentence);
  annotate(
    status === 0 ? 'notice' : 'error',
    name === 'no-adapter' ? `No ${input('adapter')} adapter. ${sentence}` : sentence,
  );
  if (isPart() || status === 2)
    addSummary(shown(sentence).replaceAll(/[&<>`*_[\]|\\~@]/g, (c) => `&#${c.charCodeAt(0)};`));
  if (hasPictures(join(folder, 'reports'))) {
    addSummary(
      'The artefact has a report (JSON) and a picture (SVG) of every run in `reports/`; both open on the page again.',
    );
  }
  return status;
}

/** @param {string} folder */
function hasPictures(folder) {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.svg'));
}

/** The results to merge: files, and every JSON in folders. */
function shardFiles() {
  const files = inputLines('merge').flatMap((path) => {
    if (!existsSync(path)) throw new SetupError(`${path} is not there to be merged.`, 'Download the shards first.');
    if (!statSync(path).isDirectory()) return [path];
    const inside = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(?:^|[\\/])shard-\d+\.json$/.test(name),
    );
    return inside.sort().map((name) => join(path, name));
  });
  if (files.length === 0 && input('merge') !== '') {
    throw new SetupError('There is no result of any shard to merge.', 'Every shard is lost: see their jobs.');
  }
  return files;
}

function isPart() {
  return /^\d+\/(?!1$)\d+$/.test(input('shard'));
}

function shardName() {
  return `shard-${input('shard').split('/')[0] || '1'}.json`;
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
function moescope(args) {
  const cli = process.env.MOESCOPE_CLI;
  if (cli === undefined || cli === '') throw new SetupError('MOESCOPE_CLI is not set.', 'Run setup.mjs first.');
  return run(process.execPath, [cli, ...args], { cwd: process.cwd() });
}
