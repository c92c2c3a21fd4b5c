import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { processTerminal } from '../../src/cli/terminal/terminal';
import { verboseText } from '../../src/cli/trace/verbose-text';
import { plainText } from '../../src/base/foreign-text';
import { generateReport } from '../support/reports';
import { BUILT_CLI, startCli } from './built-cli';

beforeAll(() => ensureBuilt(['page', 'cli']));

test('a standard output that is full is told, and is no verdict', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [BUILT_CLI, '--help'], { stdio: ['ignore', full, 'pipe'] });
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const status = await new Promise((done) => child.on('close', done));
  closeSync(full);
  expect(status).toBe(2);
  expect(err).toContain('error usage: Standard output cannot be written: no space left on device');
});

test.each([
  ['0.0.0.0', true],
  ['127.0.0.1', false],
])('a server at %s warns of the network: %s', async (host, warns) => {
  const server = startCli(['serve', '--host', host, '--port', '0', '--json', '-']);
  if (warns) await server.until('open to the network');
  else await new Promise((done) => setTimeout(done, 1000));
  server.interrupt();
  const { status, err } = await server.finished;
  expect(status).toBe(0);
  if (!warns) expect(err).toBe('');
});

test('a terminal that can paint nothing gets lines', () => {
  const { TERM } = process.env;
  const isTTY = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
  try {
    Object.defineProperty(process.stderr, 'isTTY', { value: true, configurable: true });
    process.env['TERM'] = 'dumb';
    expect(processTerminal(new AbortController().signal).isInteractive).toBe(false);
    process.env['TERM'] = 'xterm';
    expect(processTerminal(new AbortController().signal).isInteractive).toBe(true);
  } finally {
    if (isTTY === undefined) Reflect.deleteProperty(process.stderr, 'isTTY');
    else Object.defineProperty(process.stderr, 'isTTY', isTTY);
    if (TERM === undefined) delete process.env['TERM'];
    else process.env['TERM'] = TERM;
  }
});

test('--verbose tells phases, layers and memory', () => {
  const report = generateReport({ kind: 'clean', nLayer: 8, nTokens: 2 });
  const use = { kernel: 'linear_naive', variant: 'Q4_K', path: 'prompt', stages: [] } as const;
  const kernels = [use, { ...use, variant: 'Q6_K' }, { ...use, kernel: 'rope' }];
  const text = plainText(verboseText({ ...report, coverage: { kernels, notRun: ['linear_tile', 'fusions/head'] } }));
  expect(text).toContain('  kernels: 3 variants of 2 kernels ran; not run: linear_tile, fusions/head\n');
  expect(text).toMatch(/^ {2}phase \w+: /);
  expect(text.match(/^ {2}layer \d+: candidate /gm)).toHaveLength(5);
  expect(text).toMatch(/^ {2}memory: /m);
});
