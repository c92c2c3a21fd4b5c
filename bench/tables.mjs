// npm run bench -- MODEL [--tables verdict,ggml,reference,peers,products] [--tokens 12,128] [--repeats 3] [--against CHECKOUT] [--adapter hardware] [--budget SIZE]
//
// Runs the tables of docs/performance.md on this machine, one after the other, and prints them as Markdown: medians with the lowest and highest run.
// With --against each run takes turns with the same run of another checkout that is built (dist/cli), and a column has the ratio: what the machine
// does in the meantime, both meet. The peers are llama.cpp's backends (scripts/bench-peers.mjs), with their ratio.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median, withSpread } from '../scripts/lib/bench-times.mjs';
import { ensureBuilt } from '../scripts/lib/build.mjs';
import { ensureNodeModules } from '../scripts/lib/install.mjs';
import { ROOT, run, runMain, SetupError, which } from '../scripts/lib/process.mjs';

/** @typedef {{ label: string, args: readonly string[], cores?: number }} Work */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tables: { type: 'string', default: 'verdict,ggml,reference,peers,products' },
    tokens: { type: 'string', default: '12,128' },
    repeats: { type: 'string', default: '3' },
    against: { type: 'string' },
    adapter: { type: 'string', default: 'any' },
    budget: { type: 'string' },
  },
});
const repeats = Number(options.repeats);
const work = mkdtempSync(join(tmpdir(), 'moescope-bench-'));

/** The first tokens of what the checks run, so that a table is of the same tokens everywhere. @param {number} count */
function prompt(count) {
  return Array.from({ length: count }, (_, i) => i + 1).join(',');
}

/**
 * One run of `moescope trace`: seconds from start to end.
 * @param {string} checkout @param {string} model @param {Work} what
 */
function traced(checkout, model, { args, cores }) {
  const command = [process.execPath, join(checkout, 'dist/cli/moescope.js'), 'trace', model, ...args, '--quiet'];
  const [program = '', ...rest] = cores === undefined ? command : ['taskset', '-c', `0-${cores - 1}`, ...command];
  const started = performance.now();
  const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
  // 1: the engines differ. That is a verdict, too.
  if (status !== 0 && status !== 1) throw new SetupError(`${command.join(' ')} ended with ${status}.`, stderr);
  return (performance.now() - started) / 1000;
}

/**
 * Runs each work in turn in every checkout and prints a line a work.
 * @param {string} title @param {string} model @param {readonly Work[]} works
 */
function table(title, model, works) {
  const other = options.against === undefined ? undefined : resolve(options.against);
  const columns = other === undefined ? ['seconds'] : ['before, seconds', 'now, seconds', 'now / before'];
  console.log(`\n## ${title}\n\n| work | ${columns.join(' | ')} |\n|---${'|---'.repeat(columns.length)}|`);
  /** @type {number[]} */
  const middles = [];
  for (const what of works) {
    /** @type {number[]} */ const before = [];
    /** @type {number[]} */ const now = [];
    for (let turn = 0; turn < repeats; turn++) {
      const ours = () => now.push(traced(ROOT, model, what));
      const theirs = () => other !== undefined && before.push(traced(other, model, what));
      for (const go of turn % 2 === 0 ? [theirs, ours] : [ours, theirs]) go();
    }
    const ratio = now.map((seconds, i) => seconds / (before[i] ?? NaN));
    const cells = other === undefined ? [withSpread(now)] : [withSpread(before), withSpread(now), withSpread(ratio, 2)];
    console.log(`| ${what.label} | ${cells.join(' | ')} |`);
    middles.push(median(now));
  }
  return middles;
}

/** Counts of cores from one to all, doubled each time. */
function coreCounts() {
  const all = availableParallelism();
  const counts = [];
  for (let cores = 1; cores < all; cores *= 2) counts.push(cores);
  return [...counts, all];
}

const HEADLINES = 'moe_router,moe_ffn_out';
const tokenCounts = options.tokens.split(',').map(Number);

/** @type {Readonly<Record<string, (model: string) => Promise<unknown> | unknown>>} */
const TABLES = {
  verdict: (model) => {
    const gpu = ['--adapter', options.adapter, ...(options.budget === undefined ? [] : ['--budget', options.budget])];
    table(
      'Time to the verdict: GPU engine and reference, default modes',
      model,
      tokenCounts.flatMap((count) => [
        { label: `${count} tokens, every stage`, args: ['--tokens', prompt(count), ...gpu] },
        { label: `${count} tokens, two stages`, args: ['--tokens', prompt(count), '--stages', HEADLINES, ...gpu] },
      ]),
    );
  },
  ggml: (model) => {
    const work = tokenCounts.map((count) => ({
      label: `${count} tokens, every stage`,
      args: ['--arms', 'cpu-ggml,cpu', '--tokens', prompt(count)],
    }));
    table('No GPU: ggml engine and reference, default modes', model, work);
  },
  reference: (model) => {
    if (which('taskset') === undefined) {
      console.log('\nThe reference by cores needs taskset, which this machine does not have.');
      return;
    }
    const counts = coreCounts();
    for (const count of tokenCounts) {
      const args = ['--arms', 'cpu', '--mode', 'free', '--stages', HEADLINES, '--tokens', prompt(count)];
      const works = counts.map((cores) => ({ label: `${cores} ${cores === 1 ? 'core' : 'cores'}`, args, cores }));
      const seconds = table(`The reference alone, ${count} tokens, two stages`, model, works);
      const times = seconds.map((s, i) => `${((seconds[0] ?? NaN) / s).toFixed(1)} on ${counts[i]}`);
      console.log(`\nTimes as fast as on one core: ${times.slice(1).join(', ')}.`);
    }
  },
  peers: async (model) => {
    console.log('\n## Beside llama.cpp, tokens/s\n\n| work | MoEscope | llama.cpp | ratio |\n|---|---|---|---|');
    for (const [promptTokens, newTokens] of [
      ['2', '256'],
      ['16', '32'],
      ['512', '256'],
    ]) {
      const file = join(work, `peers-${promptTokens}.json`);
      const sizes = ['--prompt-tokens', promptTokens, '--new-tokens', newTokens, '--repeats', options.repeats];
      const budget = options.budget === undefined ? [] : ['--budget', options.budget];
      const script = join(ROOT, 'scripts/bench-peers.mjs');
      const args = [script, model, ...sizes, ...budget, '--json', file].map(String);
      if ((await run(process.execPath, args, { stdio: 'ignore' })) !== 0) {
        console.log(`| ${promptTokens} tokens | does not run here | | |`);
        continue;
      }
      for (const result of JSON.parse(readFileSync(file, 'utf8')))
        console.log(peerRows(result, promptTokens).join('\n'));
    }
  },
  products: async () => {
    console.log('\n## Products of the reference on one core\n');
    await run(process.execPath, [join(ROOT, 'scripts/bench-products.mjs')]);
  },
};

/**
 * @param {{ engine: string, backend: string, ours: { prefill: { tokensPerSecond: number }, decode: { tokensPerSecond: number } },
 *   theirs?: { prefillTokens: number, prefillRuns: number[], decodeRuns: number[] } }} result
 * @param {string | undefined} promptTokens
 */
function peerRows({ engine, backend, ours, theirs }, promptTokens) {
  const row = (/** @type {string} */ what, /** @type {number} */ mine, /** @type {number | undefined} */ other) =>
    `| ${engine}, ${what} | ${mine.toFixed(1)} | ${other === undefined ? `${backend} does not run here` : `${other.toFixed(1)} (${backend})`} | ${other === undefined ? '' : (mine / other).toFixed(2)} |`;
  const prefill = theirs && (theirs.prefillTokens * 1000) / median(theirs.prefillRuns);
  return [
    row(`prefill of ${promptTokens}`, ours.prefill.tokensPerSecond, prefill),
    row(`decode behind ${promptTokens}`, ours.decode.tokensPerSecond, theirs && 1000 / median(theirs.decodeRuns)),
  ];
}

await runMain(async () => {
  const [model] = positionals;
  const wanted = options.tables.split(',');
  const unknown = wanted.find((name) => !(name in TABLES));
  if (model === undefined || unknown !== undefined) {
    const problem = unknown === undefined ? 'No model was given.' : `There is no table ${unknown}.`;
    throw new SetupError(problem, `npm run bench -- MODEL [--tables ${Object.keys(TABLES).join(',')}]`);
  }
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  console.log(`# ${basename(model)}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}; ${repeats} runs of each.`,
  );
  try {
    for (const name of wanted) await TABLES[name]?.(resolve(model));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return 0;
});
