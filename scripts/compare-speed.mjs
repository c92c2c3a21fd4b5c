// Holds the speed of two builds against each other: `moescope bench` of each, in turn, and the medians of what they measured.
//
//   node scripts/compare-speed.mjs OLD NEW MODEL [--runs 5] [--decoder fast] [--prompt-tokens 512] [--new-tokens 64] [--limit 3] [--json FILE]
//
// OLD and NEW are checkouts, or any folders with the command line in dist/cli; it needs the npm package `webgpu` beside or above it, and
// nothing else, so that it runs on a machine without network. The builds change places from run to run (old new, new old, ...): what a
// machine does in the meantime, both meet. Exit status 0: no median is slower by more than the limit (%); 1: one is; 2: a run failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { decodedMs, median } from './lib/bench-times.mjs';

/**
 * @typedef {{ schema: string, load: { firstLayerMs: number, firstPromptMs: number, wholeModelMs?: number }, prefill: { runs: number[] },
 *   decode: { runs: number[], by?: { by: string } } }} Bench
 */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    decoder: { type: 'string', default: 'fast' },
    'prompt-tokens': { type: 'string', default: '512' },
    'new-tokens': { type: 'string', default: '64' },
    limit: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const [before, after, model] = positionals.map((path) => resolve(path));
if (before === undefined || after === undefined || model === undefined) {
  console.error('usage: node scripts/compare-speed.mjs OLD NEW MODEL [--runs N] [--decoder WHICH] [--limit PERCENT]');
  process.exit(2);
}

/** Milliseconds that a run measured, by name. @type {Readonly<Record<string, (bench: Bench) => number | undefined>>} */
const FIGURES = {
  'weights loaded': ({ load }) => load.wholeModelMs,
  'first layer': ({ load }) => load.firstLayerMs,
  'first prompt': ({ load }) => load.firstPromptMs,
  // The first prompt of a run compiles; the others show the speed.
  prefill: ({ prefill }) => median(prefill.runs.slice(prefill.runs.length > 1 ? 1 : 0)),
  'decoded token': decodedMs,
};

const work = mkdtempSync(join(tmpdir(), 'compare-speed-'));

/** @param {string} checkout @returns {Bench} */
function bench(checkout) {
  const file = join(work, 'bench.json');
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...[join(checkout, 'dist/cli/moescope.js'), 'bench', /** @type {string} */ (model), '--arm', 'gpu', '--quiet'],
      ...['--decoder', options.decoder, '--repeats', '4', '--json', file],
      ...['--prompt-tokens', options['prompt-tokens'], '--new-tokens', options['new-tokens']],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) {
    console.error(`${checkout}: exit status ${status}\n${stderr}`);
    process.exit(2);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** @type {Record<'before' | 'after', Record<string, number[]>>} */
const measured = { before: {}, after: {} };
for (let run = 0; run < Number(options.runs); run++) {
  /** @type {('before' | 'after')[]} */
  const order = run % 2 === 0 ? ['before', 'after'] : ['after', 'before'];
  for (const side of order) {
    const result = bench(side === 'before' ? before : after);
    for (const [name, figure] of Object.entries(FIGURES)) {
      const value = figure(result);
      if (value !== undefined) (measured[side][name] ??= []).push(value);
    }
    console.error(`run ${run + 1}, ${side}: by ${result.decode.by?.by ?? 'engine'}`);
  }
}
rmSync(work, { recursive: true, force: true });

const rows = Object.keys(FIGURES).flatMap((name) => {
  const [a, b] = [measured.before[name], measured.after[name]];
  if (a === undefined || b === undefined) return [];
  const [old, now] = [median(a), median(b)];
  return [{ name, before: old, after: now, change: (100 * (now - old)) / old, runs: { before: a, after: b } }];
});
console.log(`| ms, median of ${options.runs} | before | after | change |\n|---|---|---|---|`);
for (const { name, before: old, after: now, change } of rows) {
  console.log(`| ${name} | ${old.toFixed(3)} | ${now.toFixed(3)} | ${change > 0 ? '+' : ''}${change.toFixed(1)} % |`);
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ options, rows }, undefined, 2)}\n`);
process.exit(rows.every(({ change }) => change <= Number(options.limit)) ? 0 : 1);
