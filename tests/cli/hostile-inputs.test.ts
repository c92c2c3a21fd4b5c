import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/run-cli';
import { terminalDouble } from './terminal-double';

const folder = mkdtempSync(join(tmpdir(), 'moescope-inputs-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const OBEYED = /[^\P{Cc}\n]|[\p{Cs}\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;
const COMMAND = /^\s*::|##[\w.]*\[/m;
const EVIL = '\x1b[2J\r\n::error::x ##[error]y \u202e<img src=x>';

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.from(content, 'latin1'));
  return path;
}

/** Runs a command that is to be refused, and holds what it says to the gate. */
async function refused(...args: readonly string[]): Promise<string> {
  const terminal = terminalDouble();
  const status = await runCli(args, terminal, AbortSignal.timeout(20_000));
  const text = `${terminal.written.out}\n${terminal.written.err}`;
  expect(status).toBe(2);
  expect(text).not.toMatch(OBEYED);
  expect(text).not.toMatch(COMMAND);
  expect(text).not.toMatch(/error internal|SECRET/);
  expect(text.length).toBeLessThan(10_000);
  return text;
}

const SUITE = { schema: 'moescope-suite/1', models: [{ id: 'a', file: 'a.gguf' }], prompts: [{ id: 'p', text: 'x' }] };
const suite = (part: Readonly<Record<string, unknown>>): string => JSON.stringify({ ...SUITE, ...part });

describe('a suite is refused', () => {
  test.each([
    ['a prototype', '{"schema":"moescope-suite/1","__proto__":{"models":1},"models":[],"prompts":[]}'],
    ['nested without end', '['.repeat(200_000)],
    ['an id that is a path', suite({ models: [{ id: '../../x', file: 'a' }] })],
    ['an id that is dots', suite({ models: [{ id: '..', file: 'a' }] })],
    ['an id to be obeyed', suite({ models: [{ id: EVIL, file: 'a' }] })],
    ['an id without end', suite({ models: [{ id: 'a'.repeat(100_000), file: 'a' }] })],
    [
      'two ids alike',
      suite({
        models: [
          { id: 'a', file: 'a' },
          { id: 'a', file: 'b' },
        ],
      }),
    ],
    ['a file that is a number', suite({ models: [{ id: 'a', file: 7 }] })],
    ['a negative token', suite({ prompts: [{ id: 'p', tokens: [-1] }] })],
    ['a token beyond counting', suite({ prompts: [{ id: 'p', tokens: [1e21] }] })],
    ['half a token', suite({ prompts: [{ id: 'p', tokens: [1.5] }] })],
    ['no token', suite({ prompts: [{ id: 'p', tokens: [] }] })],
    ['text and tokens', suite({ prompts: [{ id: 'p', text: 'x', tokens: [1] }] })],
    ['a misspelt member of a prompt', suite({ prompts: [{ id: 'p', text: 'x', caht: true }] })],
    ['a misspelt member of a model', suite({ models: [{ id: 'a', file: 'a', flie: 'b' }] })],
    ['tokens with a template', suite({ prompts: [{ id: 'p', tokens: [1], chat: true }] })],
    ['an unknown mode', suite({ modes: [EVIL] })],
    ['an unknown stage', suite({ stages: EVIL })],
    ['no layers', suite({ layers: '2..1' })],
    ['positions that are none', suite({ positions: EVIL })],
    ['an unknown fault', suite({ inject: [EVIL] })],
    ['a member to be obeyed', suite({ [EVIL]: 1 })],
    ['negative seconds', suite({ seconds: { 'a/p/both': -1 } })],
    ['nothing', ''],
  ])('%s', async (name, text) => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, text);
    expect(await refused('suite', path, '--list')).toMatch(/^error (?:suite-format|fault-spec|plan-stage|plan-range)/m);
  });
});

const shard = (part: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    ...{ schema: 'moescope-shard/1', tool: { name: 'moescope', version: '1', commit: 'c' }, suite: SUITE },
    ...{ shard: { index: 1, count: 1 }, runs: [], ...part },
  });
const run = (part: Readonly<Record<string, unknown>>): string =>
  shard({ runs: [{ id: 'a/p/both', seconds: 1, failures: [], ...part }] });

describe('the result of a shard is refused', () => {
  test.each([
    ['null', 'null'],
    ['a number', '1'],
    ['a run called __proto__', run({ id: '__proto__' })],
    ['a run called constructor', run({ id: 'constructor' })],
    ['a run to be obeyed', shard({ running: EVIL })],
    ['more starts than there can be', shard({ starts: 1e300 })],
    ['a shard behind the last', shard({ shard: { index: 5, count: 2 } })],
    ['seconds that are text', run({ seconds: EVIL })],
    ['an unknown code', run({ failures: [{ code: EVIL, message: EVIL, detail: {}, remedy: EVIL }] })],
    ['repeated with a number', run({ outcome: { id: 'a/p/both', unsteady: 1 } })],
  ])('%s', async (name, text) => {
    const path = join(folder, `${name}.shard.json`);
    writeFileSync(path, text);
    expect(await refused('merge', path)).toMatch(/^error trace-format/m);
  });
});

describe('an address is refused', () => {
  test.each([
    ...[
      'http://',
      'https://[::1',
      'http://127.0.0.1:1/x',
      'http://127.0.0.1:99999/x',
      'HTTP://u:SECRET@h/x',
      'http://%00/',
    ],
    ...[
      'http://a b/',
      'https://127.0.0.1:1/\x1b[2J',
      'javascript:alert(1)',
      'data:,x',
      'gopher://h/x',
      '\\\\server\\share\\x.gguf',
    ],
    ...[
      'file:///etc/passwd',
      'http:/x',
      '-',
      '.',
      '/proc/self/mem',
      'sample:x',
      'sample:/../x',
      `https://127.0.0.1:1/${'a'.repeat(50_000)}`,
    ],
  ])('%s', async (address) => {
    await refused('inspect', address);
  });
});

describe('a dump is refused', () => {
  test.each([
    ['axis.npy', `\x93NUMPY\x01\x00v\x00{"descr":"<f4","fortran_order":False,"shape":(${'9'.repeat(300)},)}`],
    ['garbage.pt', 'PK\x03\x04garbage'],
    ['names.csv', `arm,layer,stage,position\n${EVIL.replace('\u202e', '')}`],
    ['length.safetensors', '\xff\xff\xff\xff\xff\xff\xff\x7f{}'],
    ['empty.safetensors', '\x02\x00\x00\x00\x00\x00\x00\x00{}'],
    ['stage.json', `{"schema":"moescope-trace/1","taps":[{"stage":"${'x'.repeat(100_000)}"}]}`],
    ['short.bin', 'APRT\x00\x00\x00\x00\xff\xff\xff\xff'],
    ['printed.txt', 'ggml_debug: \x1b[2J\r::error:: = (f32) MUL_MAT'],
    ['page.html', '<html>\x1b[2J'],
    ['picture.svg', '<svg>\x1b[2J</svg>'],
    ['picture.png', '\x89PNG\r\n\x1a\n'],
    ['nothing.zip', `PK\x05\x06${'\0'.repeat(18)}`],
  ])('%s', async (name, content) => {
    const path = file(name, content);
    await refused('diff', path, path);
  });
});

test.each([
  [['bench', 'sample:', '--compare', '/dev/zero']],
  [['bench', 'sample:', '--limit', '1e5']],
  [['inspect', 'https://127.0.0.1:1/x', '--header', '@/dev/zero']],
  [['inspect', 'https://127.0.0.1:1/x', '--header', '@/nowhere\x1b[2J']],
  [['suite', 's.json', '--list', '--grep', `(${EVIL}`]],
  [['suite', 's.json', '--out', 'x.json', '--shard', '1/99999999999']],
  [['suite', 's.json', '--out', 'x.json', '--repeat', '0']],
  [['trace', 'sample:', '--tokens', '1', '--save-tensor', '/proc/\x1b[2J']],
  [['trace', 'sample:', '--tokens', '1', '--summary', '-', '--json', '-']],
])('an option is refused: %j', async (args) => {
  await refused(...args);
});
