// Holds two built checkouts against each other: the same models and prompts, every capture and bound bit for bit, every metric and verdict.
//
//   node scripts/compare-builds.mjs OLD NEW [--models mini-f32,tied-q4_k_m] [--prompts p1,p12] [--runtimes node,browser] [--mode both]
//     [--arms gpu,cpu] [--keep DIR]
//
// All golden models and prompts of OLD unless told otherwise, in Node and on the page in Chromium. Captures are compared as files hold
// them, where q, k and v are one `qkv_matmul` and attention has its heads first, whatever a build calls them inside. Metrics of rows that
// one build splits or lays out otherwise are sums in another order: they are compared to 1e-12, counts, maxima and verdicts exactly. A bound
// may have become tighter, and wider by as much as sums of magnitudes in f32 need: then what a row measures by it does not count, and the stages are
// listed at the end.
// Exit status 0: equal; 1: different; 2: something could not be run.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { browserRuntime, goldenTasks, nodeRuntime } from './lib/build-runs.mjs';

/** @import { Made, Report, Row } from './lib/build-runs.mjs' */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string' },
    prompts: { type: 'string' },
    runtimes: { type: 'string', default: 'node,browser' },
    mode: { type: 'string', default: 'both' },
    arms: { type: 'string', default: 'gpu,cpu' },
    keep: { type: 'string' },
  },
});
const [before, after] = positionals.map((folder) => resolve(folder));
if (before === undefined || after === undefined) {
  console.error(
    'usage: node scripts/compare-builds.mjs OLD NEW [--models LIST] [--prompts LIST] [--runtimes LIST] [--mode MODE]',
  );
  process.exit(2);
}

/** Stages whose sums run in another order in one of the builds. */
const REORDERED = ['qkv_matmul', 'attn_scores', 'attn_softmax'];
const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj'];
/** Members that are sums or maxima over the elements, so that a row in parts can be put together again. */
const SUMMED = ['count', 'nanA', 'nanB', 'infA', 'infB'];
const LARGEST = ['maxAbs', 'maxRatio'];
/** Members that are measured by the bound. */
const BY_BOUND = ['maxRatio', 'ratios', 'maxEstimate', 'maxRatioIndex', 'maxRatioValues', 'perPositionRatio'];
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
 * How much wider a bound may have become: magnitudes are summed in f32 and made up for by up to n 2^-26 + 2^-21 (`src/cpu/kernels/magnitudes.ts`), which shows
 * where rows are too short for the sum by chunks to be tighter.
 */
const WIDER = 2e-6;

const work = options.keep ?? mkdtempSync(join(tmpdir(), 'compare-builds-'));
mkdirSync(work, { recursive: true });
/** @type {{ runs: number, tensors: number, bounds: number, values: number, tighter: number, wider: number, rows: number, different: string[] }} */
const totals = { runs: 0, tensors: 0, bounds: 0, values: 0, tighter: 0, wider: 0, rows: 0, different: [] };
/** Bounds that differ, by stage: how many, and the extremes of new / old. @type {Map<string, { bounds: number, least: number, most: number }>} */
const moved = new Map();

const tasks = goldenTasks(before).filter(
  ({ model, prompt }) => isNamed(options.models, model) && isNamed(options.prompts, prompt),
);
for (const runtime of options.runtimes.split(',')) {
  const open = runtime === 'browser' ? browserRuntime : nodeRuntime;
  const [old, today] = await Promise.all([open(before), open(after)]);
  try {
    for (const task of tasks) {
      const where = `${runtime}, ${task.model} ${task.prompt}`;
      const known = totals.different.length;
      const a = await old.run(task, options, join(work, 'old'));
      const b = await today.run(task, options, join(work, 'new'));
      totals.runs++;
      compareReports(where, a, b, compareTensors(where, a, b));
      console.log(
        `${where}: ${a.arrays.size} arrays, ${a.report.rows.length} rows, ${totals.different.length - known} differences`,
      );
    }
  } catch (error) {
    console.error(error);
    process.exitCode = 2;
  } finally {
    await Promise.all([old.close(), today.close()]);
  }
}
if (options.keep === undefined) rmSync(work, { recursive: true, force: true });
for (const line of totals.different.slice(0, 60)) console.log(`  ${line}`);
for (const [stage, { bounds, least, most }] of moved) {
  console.log(`  bounds of ${stage}: ${bounds} differ, ${least.toPrecision(8)} to ${most.toPrecision(8)} x the old`);
}
console.log(
  `${totals.runs} runs, ${totals.tensors - totals.bounds} captures and ${totals.bounds} bounds of ${totals.values} values, ${totals.rows} rows, ${totals.tighter} bounds tighter, ${totals.wider} wider by rounding: ` +
    (totals.different.length === 0 ? 'equal' : `${totals.different.length} differences`),
);
if (totals.runs === 0) process.exitCode = 2;
process.exitCode ??= totals.different.length === 0 ? 0 : 1;

/** @param {string | undefined} list @param {string} name */
function isNamed(list, name) {
  return list === undefined || list.split(',').includes(name);
}

/** @param {string} where @param {Made} a @param {Made} b @returns {Set<string>} layer and stage of each bound that differs */
function compareTensors(where, a, b) {
  const differing = new Set();
  const [arraysA, arraysB] = [byEngine(a), byEngine(b)];
  for (const [path, bytes] of arraysA) {
    const other = arraysB.get(path);
    const isBound = path.endsWith('.bound.npy');
    totals.tensors++;
    if (isBound) totals.bounds++;
    totals.values += (bytes.length - headerBytes(bytes)) / 4;
    if (other === undefined) totals.different.push(`${where}: ${path} is missing`);
    else if (Buffer.compare(bytes, other) !== 0) {
      if (isBound) differing.add(placeOf(path));
      const growth = isBound ? boundGrowth(path, bytes, other) : Infinity;
      if (growth <= 1) totals.tighter++;
      else if (growth <= 1 + WIDER) totals.wider++;
      else totals.different.push(`${where}: ${path} differs${firstDifference(bytes, other)}`);
    }
  }
  for (const path of arraysB.keys()) if (!arraysA.has(path)) totals.different.push(`${where}: ${path} is new`);
  return differing;
}

/** `cpu/layer-0/attn_out.bound.npy`: `0 attn_out`, as rows are named. @param {string} path */
function placeOf(path) {
  const [, layer = 'model', stage = ''] = /^[^/]+\/(?:layer-(\d+)\/)?([^/.]+)\.bound\.npy$/.exec(path) ?? [];
  return `${layer} ${stage}`;
}

/** Where an array's values begin: 4 bytes each, as all of ours. @param {Uint8Array} npy */
function headerBytes(npy) {
  return 10 + new DataView(npy.buffer, npy.byteOffset, npy.byteLength).getUint16(8, true);
}

/** The largest new / old of a bound's values, f4; Infinity where they are not alike. @param {string} path @param {Uint8Array} a @param {Uint8Array} b */
function boundGrowth(path, a, b) {
  if (a.length !== b.length) return Infinity;
  const [x, y] = [a, b].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const first = headerBytes(a);
  const [, stage = ''] = placeOf(path).split(' ');
  const range = moved.get(stage) ?? { bounds: 0, least: Infinity, most: 0 };
  let growth = 0;
  for (let at = first; at < a.length; at += 4) {
    const [old, now] = [x?.getFloat32(at, true) ?? NaN, y?.getFloat32(at, true) ?? NaN];
    const ratio = Object.is(old, now) ? 1 : now / old;
    growth = ratio <= growth ? growth : Number.isNaN(ratio) ? Infinity : ratio;
    range.least = Math.min(range.least, ratio);
  }
  moved.set(stage, { bounds: range.bounds + 1, least: range.least, most: Math.max(range.most, growth) });
  return growth;
}

/** Arrays by path, under one name of each engine. @param {Made} made @returns {Map<string, Uint8Array>} */
function byEngine({ arrays }) {
  return new Map(
    [...arrays].map(([path, bytes]) => {
      const [engine = '', ...rest] = path.split('/');
      return [[engineName(engine), ...rest].join('/'), bytes];
    }),
  );
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function firstDifference(a, b) {
  if (a.length !== b.length) return `: ${a.length} and ${b.length} bytes`;
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return ` from byte ${at} of ${a.length}`;
}

/** @param {string} where @param {Made} a @param {Made} b @param {Set<string>} bounds layer and stage of those that differ */
function compareReports(where, a, b, bounds) {
  const rowsA = rowsByKey(a.report.rows);
  const rowsB = rowsByKey(b.report.rows);
  for (const [key, row] of rowsA) {
    totals.rows++;
    const other = rowsB.get(key);
    const byAnotherBound = bounds.has(key.slice(key.indexOf(' ') + 1));
    if (other === undefined) totals.different.push(`${where}: row ${key} is missing`);
    else
      for (const line of differencesOf(row, other, byAnotherBound)) totals.different.push(`${where}: ${key}: ${line}`);
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
 * @param {boolean} byAnotherBound whether its stage is measured by a bound that differs
 * @returns {Generator<string>}
 */
function* differencesOf(a, b, byAnotherBound) {
  const [first] = a;
  const [other] = b;
  if (first === undefined || other === undefined) return;
  if (a.length !== b.length || REORDERED.includes(first.stage) || PROJECTIONS.includes(first.stage)) {
    for (const name of SUMMED) yield* unlike(name, sum(a, name), sum(b, name));
    for (const name of LARGEST.filter((member) => !byAnotherBound || !BY_BOUND.includes(member)))
      yield* unlike(name, largest(a, name), largest(b, name));
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
    if (byAnotherBound && BY_BOUND.includes(name)) continue;
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
