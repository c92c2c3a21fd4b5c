import { runCliHere } from '../cli/cli-here';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandsOf, DOCUMENTS, readDocument } from '../support/documents';

/*
 * Every command line of the documents is run, in a folder that has what they speak of (model.gguf is the sample), or stands below with the
 * reason why it is not. What a document shows as its output has to be there.
 */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** Command lines that do not run in a test, each with its reason. Every line of this list has to be of a command that is there. */
const NOT_RUN: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^setup /, 'installs 30 MB from npm: tests/engine and tests/cli/live run what it installs'],
  [/--candidate llama\.cpp/, 'needs what setup installs: tests/cli/live.test.ts runs it'],
  [/^bisect .*\/bin/, 'needs three builds of llama.cpp: tests/cli/bisect.test.ts runs it on dumps'],
  [/--adapter hardware/, 'needs a GPU that is hardware'],
  [/--device 2/, 'needs several GPUs: tests/cli/choose-device.test.ts'],
  [/https:\/\/host/, 'needs a network: tests/cli/headers.test.ts runs it against a server of its own'],
  [/^selftest(?: --all| --atlas \S+(?: --sign-off)?)?$/, 'takes minutes: tests/selftest and tests/cli/atlas.test.ts'],
  [/^(?:make-model|trace) model\.gguf .*(?:--layers \d|Two experts)/, 'npm run cases: a minute each'],
  [/^make-model model\.gguf --shape qwen3-30b-a3b$/, 'a file of 18.6 GB'],
  [/^bench /, 'takes minutes: tests/cli/bench-command.test.ts and tests/cli/bench-compare.test.ts'],
  [/--routing routed_experts/, 'needs what vLLM or SGLang wrote: tests/judge/judge-routing.test.ts'],
  [/^diff dump/, 'needs a dump of that engine: tests/cli/diff.test.ts'],
];

/** Token ids of Qwen's vocabulary, which the sample does not have. */
const IDS = '9707,1917';

/** A command as it is run: model.gguf is the sample, and what a person waits for is cut: on a software GPU a token takes a tenth of a second. */
function asRun(words: readonly string[]): readonly string[] {
  const given = words.flatMap(expanded).map((word) => word.replace(IDS, '605,432'));
  if (given[0] !== 'generate') return given;
  const at = given.indexOf('--tokens');
  return [...(at < 0 ? given : given.toSpliced(at, 2)), '--tokens', '4'];
}

/** Commands whose exit status is not 0, with what it is. */
const STATUS: readonly (readonly [pattern: RegExp, status: number])[] = [
  [/--inject/, 1],
  [/^bisect/, 1],
];

const SUITE = {
  schema: 'moescope-suite/1',
  models: [{ id: 'sample', file: 'model.gguf' }],
  prompts: [{ id: 'hello', text: 'Hello' }],
};

const commands = new Map<
  string,
  { readonly words: readonly string[]; readonly files: Set<string>; output: readonly string[] }
>();
for (const file of DOCUMENTS) {
  if (/^docs\/notes\/\d|^CHANGELOG/.test(file)) continue;
  for (const { words, output } of commandsOf(readDocument(file))) {
    const key = words.join(' ');
    const known = commands.get(key);
    known?.files.add(file);
    if (known === undefined) commands.set(key, { words, files: new Set([file]), output });
    else if (output.length > 0) known.output = output;
  }
}
const notRun = (line: string): boolean => NOT_RUN.some(([pattern]) => pattern.test(line));
const run = [...commands.keys()]
  .filter((line) => !notRun(line))
  .sort((a, b) => Number(/--update/.test(b)) - Number(/--update/.test(a)));

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'moescope-examples-'));

/** What the documents take for granted. */
async function prepare(...words: readonly string[]): Promise<void> {
  const { status, err } = await runCliHere(...words, '--quiet');
  expect([0, 1], err).toContain(status);
}

beforeAll(async () => {
  symlinkSync(resolve('public/sample/tiny-moe-6x16-Q4_K_M.gguf'), join(folder, 'model.gguf'));
  mkdirSync(join(folder, 'tests'));
  symlinkSync(resolve('tests/golden'), join(folder, 'tests/golden'));
  process.chdir(folder);
  writeFileSync('prompt.txt', 'Hello');
  writeFileSync('suite.json', JSON.stringify(SUITE));
  const trace = ['trace', 'model.gguf', '--prompt', 'Hello'];
  await prepare(...trace, '--arms', 'gpu', '--save-tensor', 'dump');
  await prepare(...trace, '--arms', 'gpu', '--save-tensor', 'friday', '--inject', 'wrong-expert@layer=1');
  for (const copy of ['a', 'b', 'monday', 'tuesday']) cpSync('dump', copy, { recursive: true });
  await prepare(...trace, '--save-tensor', 'out');
  await prepare('suite', 'suite.json', '--out', 'all.json', '--baselines', 'accepted/', '--update-baseline');
  for (const shard of ['1', '2', '3']) {
    await prepare('suite', 'suite.json', '--shard', `${shard}/3`, '--out', `shard-${shard}.json`);
    mkdirSync('results', { recursive: true });
    cpSync(`shard-${shard}.json`, `results/shard-${shard}.json`);
  }
  await prepare('selftest', '--kernel', 'add', '--atlas', 'entries/one.json', '--sign-off');
});

afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

/** As a shell does it. */
function expanded(word: string): readonly string[] {
  if (!word.endsWith('*.json')) return [word];
  const names = readdirSync(dirname(word)).filter((name) => name.endsWith('.json'));
  return names.map((name) => join(dirname(word), name));
}

describe('the command lines of the documents', () => {
  it.each(run)('%s', async (line) => {
    const { words = [], files, output = [] } = commands.get(line) ?? {};
    const result = await runCliHere(...asRun(words));
    const wanted = STATUS.find(([pattern]) => pattern.test(line))?.[1] ?? 0;
    expect(result.status, `${[...(files ?? [])].join(', ')}\n${result.err}`).toBe(wanted);
    const written = words.flatMap((word, i) =>
      /^--(?:json|html|svg|png|junit|csv|out|summary)$/.test(words[i - 1] ?? '') ? [word] : [],
    );
    for (const file of written) if (file !== '-') expect(existsSync(file), file).toBe(true);
    const said = result.out.split('\n').map((text) => text.trimEnd());
    for (const text of output) if (!/^ +adapter /.test(text)) expect(said).toContain(text);
  });

  it('are many, and those that show an output are checked', () => {
    expect(run.length).toBeGreaterThan(35);
    expect(run.filter((line) => (commands.get(line)?.output.length ?? 0) > 0).length).toBeGreaterThanOrEqual(6);
  });

  it('are run, or are not for a reason that is still one', () => {
    const lines = [...commands.keys()];
    for (const [pattern, reason] of NOT_RUN) {
      expect(
        lines.filter((line) => pattern.test(line)),
        reason,
      ).not.toEqual([]);
      for (const [file = ''] of reason.matchAll(/tests\/[\w/.-]*[\w]/g)) {
        const path = join(home, file);
        expect(existsSync(path) || existsSync(`${path}.test.ts`), file).toBe(true);
      }
    }
  });
});
