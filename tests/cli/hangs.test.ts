import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/run-cli';
import { terminalDouble } from './terminal-double';

let folder = '';
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-hangs-'));
  execFileSync('mkfifo', [at('pipe.gguf'), at('pipe.txt')]);
  await mkdir(at('tree/gpu/layer-0'), { recursive: true });
  execFileSync('mkfifo', [at('tree/gpu/layer-0/attn_norm.bin')]);
  await writeFile(at('latin1.txt'), Buffer.from([0x68, 0xe9]));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function said(...args: readonly string[]): Promise<{ readonly status: number; readonly err: string }> {
  const terminal = terminalDouble();
  const status = await runCli(args, terminal, AbortSignal.timeout(20_000));
  return { status, err: terminal.written.err };
}

describe('what is no regular file is refused, and not waited for', () => {
  test.each<readonly [string, readonly string[], RegExp]>([
    ['a pipe as a model', ['inspect', 'pipe.gguf'], /not a regular file but a pipe/],
    ['a pipe as a trace', ['diff', 'pipe.gguf', 'pipe.gguf'], /not a regular file but a pipe/],
    ['a pipe in a tree', ['diff', 'tree', 'tree'], /not a regular file but a pipe/],
    ['a pipe as a suite', ['suite', 'pipe.txt', '--out', 'x.json'], /not a regular file but a pipe/],
    ['a pipe as a shard', ['merge', 'pipe.txt'], /not a regular file but a pipe/],
    ['a pipe as a prompt', ['trace', 'pipe.gguf', '--prompt-file', 'pipe.txt'], /not a regular file but a pipe/],
    ['a device', ['diff', '/dev/zero', '/dev/zero'], /not a regular file but a device/],
    ['a folder as a model', ['inspect', '.'], /not a regular file but a folder/],
  ])('%s', async (_, args, expected) => {
    const paths = args.map((arg) => (/^(?:pipe|tree|x|\.)/.test(arg) ? at(arg) : arg));
    const { status, err } = await said(...paths);
    expect(status).toBe(2);
    expect(err).toMatch(expected);
    expect(err).not.toContain('internal');
  });

  test('a folder that cannot be read is told as one', async () => {
    // Root reads every folder; what no one can list is a process that has ended meanwhile.
    const { status, err } = await said('diff', '/proc/self/task/self', '/proc/self/task/self');
    expect(status).toBe(2);
    expect(err).toContain('error source-read');
  });

  test('a place where no folder can be made is told at once', async () => {
    const { status, err } = await said('inspect', at('pipe.gguf'), '--json', '/proc/x/y.json');
    expect(status).toBe(2);
    expect(err).not.toContain('internal');
    const suite = await said('merge', at('pipe.txt'), '--json', '/proc/x/y.json');
    expect(suite.err).toContain('/proc/x/y.json cannot be written');
  });
});

test('a prompt that no model takes is refused before the model is opened', async () => {
  await writeFile(at('long.txt'), Buffer.alloc(5 * 2 ** 20, 'words '));
  const { status, err } = await said('trace', 'no-such.gguf', '--prompt-file', at('long.txt'));
  expect(status).toBe(2);
  expect(err).toMatch(/it has more than \d+ bytes/);
});

test('a folder for tensors that cannot be made is told before the run, with its reason', async () => {
  const { status, err } = await said('trace', 'no-such.gguf', '--tokens', '1', '--save-tensor', '/proc/x/tensors');
  expect(status).toBe(2);
  expect(err).toContain('/proc/x/tensors cannot be written');
});

test('a prompt of bytes that are no text is refused from a file and from the command line', async () => {
  expect((await said('trace', 'x', '--prompt-file', at('latin1.txt'))).err).toContain('is not UTF-8');
  // What Node makes of such bytes in an argument.
  expect((await said('trace', 'x', '--prompt', 'h\ufffd')).err).toContain('no UTF-8 text');
});
