// First: it counts buffers, and must be there before others keep a constructor.
import './meter';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { joinTallies, NO_CASES, runCases, type Tally } from './run-cases';
import { TARGETS } from './targets';
import { startWatchdog } from './watchdog';

/** Cases between two notes of how far it has come. */
const STRETCH = 5000;
const FOLDER = 'test-results/fuzz';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    share: { type: 'string', default: '1' },
    fresh: { type: 'boolean' },
    only: { type: 'string', multiple: true },
  },
});
const seed = Number(options.seed);
const share = Number(options.share);
/** Targets by name; all where none is named. */
const only = new Set(options.only);
const unknown = [...only].find((name) => !TARGETS.some(({ target }) => target.name === name));
if (unknown !== undefined) {
  process.stderr.write(
    `There is no target "${unknown}". Targets: ${TARGETS.map(({ target }) => target.name).join(', ')}.\n`,
  );
  process.exit(2);
}

/** How far each target has come with this seed. */
type State = Record<string, Tally>;
const stateFile = `${FOLDER}/state-${seed}.json`;

function readState(): State {
  try {
    return options.fresh === true ? {} : (JSON.parse(readFileSync(stateFile, 'utf8')) as State);
  } catch {
    return {};
  }
}

function write(file: string, text: string): void {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;

function table(state: State): string {
  const head =
    '| what | cases | read | refused | other outcomes | longest, ms | most in buffers | most on the heap | seconds |\n|---|---|---|---|---|---|---|---|---|';
  const lines = TARGETS.map(({ target }) => {
    const t = state[target.name] ?? NO_CASES;
    const refused = Object.values(t.refused).reduce((a, b) => a + b, 0);
    const buffers = `${kib(t.worstBuffers)} for ${kib(t.worstBuffersSize)}`;
    return `| ${target.name} | ${t.cases} | ${t.read} | ${refused} | ${t.failures.length} | ${t.worstMs.toFixed(1)} | ${buffers} | ${kib(t.worstHeap)} | ${t.seconds.toFixed(0)} |`;
  });
  return [head, ...lines].join('\n');
}

if (getPriority() < 10) setPriority(10);
mkdirSync(FOLDER, { recursive: true });
const state = readState();
const dog = startWatchdog();
for (const [index, { target, cases }] of TARGETS.entries()) {
  if (only.size > 0 && !only.has(target.name)) continue;
  const wanted = Math.ceil(cases * share);
  let tally = state[target.name] ?? NO_CASES;
  while (tally.cases < wanted) {
    const to = Math.min(wanted, tally.cases + STRETCH);
    tally = joinTallies(
      tally,
      await runCases(target, seed, tally.cases, to, (n) => {
        dog.at(index, n);
      }),
    );
    state[target.name] = tally;
    write(stateFile, JSON.stringify(state));
    process.stderr.write(`${target.name}: ${tally.cases} of ${wanted}, ${tally.failures.length} failures\n`);
  }
}
await dog.stop();
write(`${FOLDER}/fuzz.md`, `${table(state)}\n`);
process.stdout.write(`${table(state)}\n`);
const failures = Object.values(state).flatMap((tally) => tally.failures);
for (const failure of failures.slice(0, 20)) process.stdout.write(`${JSON.stringify(failure)}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
