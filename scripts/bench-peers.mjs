// npm run bench:peers -- MODEL... [--types iq2_xs,iq3_s] [--shape NAME] [--layers N] [--prompt-tokens N] [--new-tokens N] [--repeats N] [--threads N] [--budget SIZE] [--engines gpu,cpu] [--json FILE]
// Runs `moescope bench` and llama.cpp one after the other on the same file, tokens and machine, and prints both with their ratio: our GPU engine
// beside Vulkan (Metal on a Mac), the reference beside llama.cpp's CPU. llama.cpp is installed below .cache/ on first use. With --types a model
// of random weights of each type is written below .cache/models/ (30B-A3B unless --shape or --layers say otherwise), measured and kept.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './lib/bench-times.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ensureLlamaCpp, llamaBackends } from './lib/llama-cpp.mjs';
import { output, ROOT, run, runMain, SetupError } from './lib/process.mjs';

/** @typedef {{ prefill: { tokens: number, ids: number[], runs: number[], tokensPerSecond: number }, decode: { tokensPerSecond: number, by?: { by: 'decoder' } | { by: 'engine', why: string } }, adapter?: { description: string, vendor: string } }} Ours */
/** @typedef {{ device: string, loadMs: number, prefillTokens: number, prefillRuns: number[], decodeRuns: number[] }} Theirs */

/** A model of a hundred gigabytes on a slow disk has to be loaded in this time. */
const PATIENCE_MS = 3_600_000;

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'prompt-tokens': { type: 'string', default: '512' },
      'new-tokens': { type: 'string', default: '32' },
      repeats: { type: 'string', default: '3' },
      threads: { type: 'string', default: String(availableParallelism()) },
      budget: { type: 'string' },
      engines: { type: 'string', default: 'gpu,cpu' },
      json: { type: 'string' },
      types: { type: 'string', default: '' },
      shape: { type: 'string', default: 'qwen3-30b-a3b' },
      layers: { type: 'string' },
    },
  });
  const types = values.types.split(',').filter((type) => type !== '');
  if (positionals.length + types.length === 0)
    throw new SetupError('No model was given.', 'npm run bench:peers -- MODEL, or --types iq2_xs,iq3_s');
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  const backends = llamaBackends();
  const entry = await ensureLlamaCpp(backends);
  const folder = await mkdtemp(join(tmpdir(), 'moescope-peers-'));
  const results = [];
  try {
    const models = [...positionals];
    for (const type of types) models.push(await madeModel(type, values));
    const pairs = models.flatMap((model) => values.engines.split(',').map((engine) => ({ model, engine })));
    for (const { model, engine } of pairs) {
      const file = join(folder, `${engine}.json`);
      const sizes = ['prompt-tokens', 'new-tokens', 'repeats'].flatMap((name) => [
        `--${name}`,
        String(values[/** @type {'repeats'} */ (name)]),
      ]);
      const budget = values.budget === undefined || engine === 'cpu' ? [] : ['--budget', values.budget];
      const cli = join(ROOT, 'dist/cli/moescope.js');
      console.error(`moescope, ${engine}`);
      const status = await run(process.execPath, [
        cli,
        'bench',
        model,
        '--engine',
        engine,
        '--json',
        file,
        ...sizes,
        ...budget,
      ]);
      if (status !== 0) {
        console.error(`moescope's ${engine} engine does not run here; left out.`);
        continue;
      }
      /** @type {Ours} */
      const ours = JSON.parse(await readFile(file, 'utf8'));
      for (const backend of backends.filter((b) => (b === 'cpu') === (engine === 'cpu'))) {
        console.error(`llama.cpp, ${backend}`);
        const theirs = llamaBench(entry, model, backend, values, ours.prefill.ids);
        if (theirs === undefined) console.error(`llama.cpp's ${backend} backend does not run here; left out.`);
        results.push({ model, engine, backend, ours, theirs });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  for (const result of results) console.log(comparison(result));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
  return results.length > 0 ? 0 : 1;
});

/**
 * A model of random weights of one type, made once.
 * @param {string} type
 * @param {{ shape: string, layers?: string | undefined }} values
 */
async function madeModel(type, { shape, layers }) {
  const folder = join(ROOT, '.cache/models');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${shape}-${layers === undefined ? '' : `${layers}-layers-`}${type}.gguf`);
  if (existsSync(path)) return path;
  const cut = layers === undefined ? [] : ['--layers', layers];
  const cli = join(ROOT, 'dist/cli/moescope.js');
  const status = await run(process.execPath, [cli, 'make-model', path, '--shape', shape, '--type', type, ...cut]);
  if (status !== 0) throw new SetupError(`No model of ${type} could be made.`, 'See what make-model said above.');
  return path;
}

/**
 * @param {string} entry
 * @param {string} model
 * @param {string} backend
 * @param {{ threads: string, 'new-tokens': string, repeats: string }} values
 * @param {readonly number[]} ids
 * @returns {Theirs | undefined} undefined when it cannot run here
 */
function llamaBench(entry, model, backend, values, ids) {
  const script = join(ROOT, 'scripts/lib/llama-cpp-bench.mjs');
  const { threads, 'new-tokens': newTokens, repeats } = values;
  const args = [script, entry, resolve(model), backend, threads, newTokens, repeats, ids.join(',')];
  const text = output(process.execPath, args, PATIENCE_MS);
  const line = text?.trim().split('\n').at(-1);
  return line?.startsWith('{') === true ? JSON.parse(line) : undefined;
}

/** @param {{ model: string, engine: string, backend: string, ours: Ours, theirs: Theirs | undefined }} result */
function comparison({ model, engine, backend, ours, theirs }) {
  const name = ours.adapter === undefined ? 'CPU' : ours.adapter.description || ours.adapter.vendor;
  const head = `${basename(model)}: moescope ${engine} (${name}) and llama.cpp ${backend}${theirs === undefined ? ': not run' : ` (${theirs.device})`}`;
  const rows = /** @type {const} */ ([
    ['prefill', ours.prefill.tokensPerSecond, theirs && (theirs.prefillTokens * 1000) / median(theirs.prefillRuns)],
    ['decode', ours.decode.tokensPerSecond, theirs && 1000 / median(theirs.decodeRuns)],
  ]);
  const lines = rows.map(([what, mine, other]) => {
    const ratio = other === undefined ? '' : `, llama.cpp ${other.toFixed(2)}, ratio ${(mine / other).toFixed(3)}`;
    return `  ${what.padEnd(8)} moescope ${mine.toFixed(2)} tokens/s${ratio}`;
  });
  const { by } = ours.decode;
  // Figures of the tracing engine are not the decoder's: a comparison must say so.
  const who =
    by === undefined ? [] : [`  decoded by the ${by.by === 'decoder' ? 'fast decoder' : `tracing engine: ${by.why}`}`];
  return [head, ...lines, ...who].join('\n');
}
