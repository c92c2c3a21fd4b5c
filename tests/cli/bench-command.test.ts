import { expect, test } from 'vitest';
import { plainText } from '../../src/base/foreign-text';
import { runCli } from '../../src/cli/run-cli';
import { SAMPLE_PATH } from '../support/golden';
import { terminalDouble } from './terminal-double';

test('bench prints its figures, writes them as JSON, and says on standard error what it does', async () => {
  const sizes = ['--prompt-tokens', '4', '--new-tokens', '2', '--repeats', '1', '--adapter', 'software'];
  const terminal = terminalDouble();
  const argv = ['bench', SAMPLE_PATH, '--json', '-', ...sizes];
  expect(await runCli(argv, terminal, new AbortController().signal)).toBe(0);
  const report: unknown = JSON.parse(terminal.written.out);
  expect(report).toMatchObject({
    schema: 'moescope-bench/2',
    prefill: { tokens: 4 },
    decode: { tokens: 2 },
    adapter: { isSoftware: true },
  });
  expect(terminal.written.err).toContain('decoding 2 tokens');
});

test('bench that is ended early says what it has measured', async () => {
  const sizes = ['--prompt-tokens', '4', '--new-tokens', '200', '--repeats', '2', '--adapter', 'software'];
  const double = terminalDouble();
  const end = new AbortController();
  const terminal: typeof double = {
    ...double,
    err: (text) => {
      double.err(text);
      if (plainText(text).includes('decoding 200 tokens')) end.abort();
    },
  };
  expect(await runCli(['bench', SAMPLE_PATH, ...sizes], terminal, end.signal)).not.toBe(0);
  const { err } = double.written;
  expect(err).toMatch(/measured before it ended: first prompt of 4 tokens, nothing loaded: [\d.]+ m?s\n/);
  expect(err.match(/measured before it ended: prompt of 4 tokens, \d of 2: .* tokens\/s/g)).toHaveLength(2);
});

test('bench refuses sizes that are none', async () => {
  const terminal = terminalDouble();
  const argv = ['bench', SAMPLE_PATH, '--new-tokens', '0'];
  expect(await runCli(argv, terminal, new AbortController().signal)).toBe(2);
  expect(terminal.written.err).toContain('a whole number from 1');
});
