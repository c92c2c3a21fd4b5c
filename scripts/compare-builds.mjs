// Holds two built checkouts against each other: the same models and prompts, every capture and bound bit for bit, every metric and verdict.
//
//   node scripts/compare-builds.mjs OLD NEW [--models mini-f32,tied-q4_k_m] [--prompts 1,12] [--mode both] [--arms gpu,cpu] [--keep DIR]
//
// Captures are compared as files hold them, where q, k and v are one `qkv_matmul` and attention has its heads first, whatever a build calls
// them inside. Metrics of rows that one build splits or lays out otherwise are sums in another order: they are compared to 1e-12, counts,
// maxima and verdicts exactly. Exit status 0: equal; 1: different; 2: something could not be run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { unzipSync } from 'fflate';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'mini-q4_k_m,mini-f32,tied-q4_k_m,mini-mxfp4,tiny-moe-6x16' },
    prompts: { type: 'string', default: '1,12' },
    mode: { type: 'string', default: 'both' },
    arms: { type: 'string', default: 'gpu,cpu' },
    keep: { type: 'string' },
  },
});
const [before, after] = positionals.map((folder) => resolve(folder));
if (before === undefined || after === undefined) {
  console.error(
    'usage: node scripts/compare-builds.mjs OLD NEW [--models LIST] [--prompts LIST] [--mode MODE] [--arms LIST] [--keep DIR]',
  );
  process.exit(2);
}

/** Stages whose sums run in another order in one of the builds. */
const REORDERED = ['qkv_matmul', 'attn_scores', 'attn_softmax'];
const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj'];
/** Members that are sums or maxima over the elements, so that a row in parts can be put together again. */
const SUMMED = ['count', 'nanA', 'nanB', 'infA', 'infB'];
const LARGEST = ['maxAbs', 'maxRatio'];
/** Names of one engine in different versions. */
const ENGINES = new Map([
  ['exact', 'cpu'],
  ['ggml', 'cpu-ggml'],
]);
/** @type {(name: string) => string} */
const engineName = (name) => {
  const isolated = name.endsWith('-isolated') ? '-isolated' : '';
  const base = name.slice(0, name.length - isolated.length);
  return (ENGINES.get(base) ?? base) + isolated;
};

/**
 * @typedef {Record<string, unknown> & { mode: string, layer?: number, stage: string, a: string, b: string, verdict: string }} Row
 * @typedef {{ rows: Row[], verdict: { status: string, first?: { layer?: number, stage: string } } }} Report
 * @typedef {{ folder: string, arrays: Map<string, Uint8Array>, report: Report }} Side
 */

const work = options.keep ?? mkdtempSync(join(tmpdir(), 'compare-builds-'));
mkdirSync(work, { recursive: true });
/** @type {{ runs: number, tensors: number, bits: number, rows: number, different: string[] }} */
const totals = { runs: 0, tensors: 0, bits: 0, rows: 0, different: [] };

for (const model of options.models.split(',')) {
  for (const length of options.prompts.split(',').map(Number)) {
    const a = run(before, model, length, join(work, `${model}-${length}-a`));
    const b = run(after, model, length, join(work, `${model}-${length}-b`));
    totals.runs++;
    compareTensors(`${model} ${length}`, a, b);
    compareReports(`${model} ${length}`, a, b);
    console.log(
      `${model}, ${length} tokens: ${totals.tensors} tensors, ${totals.rows} rows so far, ${totals.different.length} differences`,
    );
    if (options.keep === undefined) for (const { folder } of [a, b]) rmSync(folder, { recursive: true, force: true });
  }
}
for (const line of totals.different.slice(0, 60)) console.log(`  ${line}`);
console.log(
  `${totals.runs} runs, ${totals.tensors} tensors (${totals.bits} words), ${totals.rows} rows: ` +
    (totals.different.length === 0 ? 'equal' : `${totals.different.length} differences`),
);
process.exit(totals.different.length === 0 ? 0 : 1);

/**
 * Runs a build's command line on a golden model.
 * @param {string} checkout
 * @param {string} model
 * @param {number} length
 * @param {string} folder
 * @returns {Side}
 */
function run(checkout, model, length, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const golden = join(checkout, 'tests/golden', model, 'model.gguf');
  const file = existsSync(golden) ? golden : join(checkout, 'public/sample/tiny-moe-6x16-Q4_K_M.gguf');
  // Ids that repeat neither with the vocabulary's size nor soon.
  const tokens = Array.from({ length }, (_, i) => (7 + 37 * i + i * i) % 250).join(',');
  const report = join(folder, 'report.json');
  const args = [
    'trace',
    file,
    '--tokens',
    tokens,
    '--arms',
    options.arms,
    '--mode',
    options.mode,
    '--positions',
    'all',
  ];
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(checkout, 'dist/cli/moescope.js'),
      ...args,
      '--runtime',
      'node',
      '--save-tensor',
      folder,
      '--format',
      'npz',
      '--json',
      report,
      '--quiet',
    ],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, cwd: checkout },
  );
  if (status !== 0 && status !== 1) {
    console.error(`${checkout}: exit status ${status}\n${stderr}`);
    process.exit(2);
  }
  /** @type {Map<string, Uint8Array>} */
  const arrays = new Map();
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.npz'))) {
    for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(folder, name))))) {
      if (!path.endsWith('.npy')) continue;
      const [arm = '', ...rest] = path.split('/');
      arrays.set([engineName(arm), ...rest].join('/'), bytes);
    }
  }
  return { folder, arrays, report: JSON.parse(readFileSync(report, 'utf8')) };
}

/** @param {string} where @param {Side} a @param {Side} b */
function compareTensors(where, a, b) {
  for (const [path, bytes] of a.arrays) {
    const other = b.arrays.get(path);
    totals.tensors++;
    totals.bits += bytes.length / 4;
    if (other === undefined) totals.different.push(`${where}: ${path} is missing`);
    else if (Buffer.compare(bytes, other) !== 0)
      totals.different.push(`${where}: ${path} differs${firstDifference(bytes, other)}`);
  }
  for (const path of b.arrays.keys()) if (!a.arrays.has(path)) totals.different.push(`${where}: ${path} is new`);
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function firstDifference(a, b) {
  if (a.length !== b.length) return `: ${a.length} and ${b.length} bytes`;
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return ` from byte ${at} of ${a.length}`;
}

/** @param {string} where @param {Side} a @param {Side} b */
function compareReports(where, a, b) {
  const rowsA = rowsByKey(a.report.rows);
  const rowsB = rowsByKey(b.report.rows);
  for (const [key, row] of rowsA) {
    totals.rows++;
    const other = rowsB.get(key);
    if (other === undefined) totals.different.push(`${where}: row ${key} is missing`);
    else for (const line of differencesOf(row, other)) totals.different.push(`${where}: ${key}: ${line}`);
  }
  for (const key of rowsB.keys()) if (!rowsA.has(key)) totals.different.push(`${where}: row ${key} is new`);
  const [one, other] = [verdictOf(a.report), verdictOf(b.report)];
  if (one !== other) totals.different.push(`${where}: verdict ${one} and ${other}`);
}

/** @param {Report} report */
function verdictOf({ verdict: { status, first } }) {
  return `${status} ${first?.layer ?? ''} ${first === undefined ? '' : filedStage(first.stage)}`;
}

/** @param {string} stage */
function filedStage(stage) {
  return PROJECTIONS.includes(stage) ? 'qkv_matmul' : stage;
}

/**
 * Rows by mode, layer and stage; the three projections as one.
 * @param {Row[]} rows
 * @returns {Map<string, Row[]>}
 */
function rowsByKey(rows) {
  /** @type {Map<string, Row[]>} */
  const byKey = new Map();
  for (const row of rows) {
    const key = `${row.mode} ${row.layer ?? 'model'} ${filedStage(row.stage)}`;
    byKey.set(key, [...(byKey.get(key) ?? []), row]);
  }
  return byKey;
}

/**
 * @param {Row[]} a
 * @param {Row[]} b
 * @returns {Generator<string>}
 */
function* differencesOf(a, b) {
  const [first] = a;
  const [other] = b;
  if (first === undefined || other === undefined) return;
  if (a.length !== b.length || REORDERED.includes(first.stage) || PROJECTIONS.includes(first.stage)) {
    for (const name of SUMMED) yield* unlike(name, sum(a, name), sum(b, name));
    for (const name of LARGEST) yield* unlike(name, largest(a, name), largest(b, name));
    const verdictA = verdictsOf(a);
    const verdictB = verdictsOf(b);
    if (a.length === b.length) {
      yield* unlike('verdict', verdictA, verdictB);
      for (const name of ['cosine', 'nmse', 'relL2', 'rms']) yield* far(name, first[name], other[name]);
    } else if (verdictA === 'match') yield* unlike('verdict', verdictA, verdictB);
    return;
  }
  // What a newer build says besides is no difference.
  for (const name of Object.keys(first)) {
    if (name === 'a' || name === 'b')
      yield* unlike(name, engineName(String(first[name])), engineName(String(other[name])));
    else yield* unlike(name, first[name], other[name]);
  }
}

/** @param {Row[]} rows */
function verdictsOf(rows) {
  return [...new Set(rows.map((row) => row.verdict))].sort().join();
}

/** @param {string} name @param {unknown} a @param {unknown} b @returns {Generator<string>} */
function* unlike(name, a, b) {
  if (JSON.stringify(a) !== JSON.stringify(b)) yield `${name} ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
}

/** @param {string} name @param {unknown} a @param {unknown} b @returns {Generator<string>} */
function* far(name, a, b) {
  if (typeof a !== 'number' || typeof b !== 'number') yield* unlike(name, a, b);
  else if (Math.abs(a - b) > 1e-12 * Math.max(Math.abs(a), Math.abs(b))) yield `${name} ${a} and ${b}`;
}

/** @param {Row[]} rows @param {string} name */
function sum(rows, name) {
  return rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
}

/** @param {Row[]} rows @param {string} name */
function largest(rows, name) {
  const values = rows.map((row) => row[name]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return values.every((value) => typeof value === 'number') ? Math.max(...values) : 'not finite';
}
