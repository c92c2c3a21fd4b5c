import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/run-cli';
import { byteProgress } from '../../src/cli/terminal/byte-progress';
import { terminalDouble } from './terminal-double';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-make-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(...argv: readonly string[]) {
  const terminal = terminalDouble();
  const status = await runCli(['make-model', ...argv], terminal, new AbortController().signal);
  return { status, ...terminal.written };
}

describe('make-model', () => {
  test('prints the path, and says the rate on standard error', async () => {
    const file = join(folder, 'a.gguf');
    const { status, out, err } = await run(file);
    expect(status).toBe(0);
    expect(out).toBe(`${file}\n`);
    expect(err).toMatch(/^Wrote 1\.87 MB in .*\/s\n$/);
    expect((await run(file)).status).toBe(2);
    expect(await run(file, '--force', '--quiet')).toEqual({ status: 0, out: `${file}\n`, err: '' });
  });

  test('makes a model that inspect describes as asked', async () => {
    const file = join(folder, 'b.gguf');
    const sizes = ['--layers', '3', '--experts', '5', '--experts-used', '2', '--vocab', '300', '--embd', '64'];
    const more = [
      '--heads',
      '6',
      '--kv-heads',
      '3',
      '--head-dim',
      '32',
      '--ff',
      '32',
      '--theta',
      '1e4',
      '--eps',
      '1e-5',
    ];
    expect((await run(file, '--type', 'q8_0', '--tied', '--seed', '9', ...sizes, ...more)).status).toBe(0);
    const terminal = terminalDouble();
    await runCli(['inspect', file], terminal, new AbortController().signal);
    const text = terminal.written.out;
    expect(text).toContain('synthetic tiny Q8_0 seed 9');
    expect(text).toContain('3, nEmbd 64');
    expect(text).toContain('6 heads of 32 (qDim 192), 3 key-value heads');
    expect(text).toContain('5, 2 a token, nFfExp 32');
    expect(text).toContain('300, tied embeddings');
    expect(text).toContain('rotary base 10000');
    expect(text).toMatch(/Q8_0 +22 /);
  });

  test('writes the parts of a split file', async () => {
    const { status, out } = await run(join(folder, 'c.gguf'), '--split', '3');
    expect(status).toBe(0);
    const names = ['c-00001-of-00003.gguf', 'c-00002-of-00003.gguf', 'c-00003-of-00003.gguf'];
    expect(out).toBe(names.map((name) => `${join(folder, name)}\n`).join(''));
    expect(await readdir(folder)).toEqual(expect.arrayContaining(names));
    const terminal = terminalDouble();
    const second = join(folder, 'c-00002-of-00003.gguf');
    expect(await runCli(['inspect', second], terminal, new AbortController().signal)).toBe(0);
    await rm(join(folder, 'c-00003-of-00003.gguf'));
    expect(await runCli(['inspect', second], terminal, new AbortController().signal)).toBe(2);
    expect(terminal.written.err).toMatch(
      /^error source-read: Part 3 of 3: .*c-00003-of-00003\.gguf cannot be read: no such file or directory\.\n/,
    );
    expect(terminal.written.err).toContain('Put all parts beside each other');
  });

  test.each([
    ['--shape', 'gpt-2'],
    ['--type', 'q9_9'],
    ['--type', 'q8_1'],
    ['--layers', '0'],
    ['--layers', '2.5'],
    ['--split', '999'],
    ['--split', '70000'],
    ['--theta', '-1'],
    ['--eps', '1e-99'],
    ['--kv-heads', '3'],
  ])('refuses %s %s and writes nothing', async (...words) => {
    const { status, out, err } = await run(join(folder, 'never.gguf'), ...words);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('error usage');
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  test('is cancelled like every command', async () => {
    const terminal = terminalDouble();
    const file = join(folder, 'cancelled.gguf');
    expect(await runCli(['make-model', file], terminal, AbortSignal.abort())).toBe(130);
    expect(await readdir(folder)).not.toContain('cancelled.gguf');
  });
});

describe('the progress of writing', () => {
  test('is a line now and then, with bytes, rate and time left', () => {
    let now = 0;
    const terminal = terminalDouble();
    const progress = byteProgress('Writing', terminal, false, () => now);
    for (now = 0; now <= 5000; now += 500) progress.show(now * 1e6, 18e9);
    progress.clear();
    expect(terminal.written.err).toBe(
      'Writing  2.00 GB of 18.0 GB (11 %)  1.00 GB/s  16 s left\nWriting  4.00 GB of 18.0 GB (22 %)  1.00 GB/s  14 s left\n',
    );
  });

  test('is painted over on a terminal, and taken away', () => {
    let now = 0;
    const terminal = terminalDouble(true);
    const progress = byteProgress('Writing', terminal, false, () => now);
    for (now = 0; now <= 200; now += 50) progress.show(now, 200);
    progress.clear();
    const lines = terminal.written.err.split('\r\x1b[2K');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('');
    expect(terminal.written.err).not.toContain('\n');
  });
});
