import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/run-cli';
import { terminalDouble } from './terminal-double';

async function run(
  ...argv: string[]
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  const terminal = terminalDouble();
  const status = await runCli(['selftest', '--runtime', 'node', ...argv], terminal, new AbortController().signal);
  return { status, ...terminal.written };
}

describe('moescope selftest', () => {
  it('prints the verdict and a line a kernel, tells progress on standard error, and exits with 0', async () => {
    const { status, out, err } = await run('--kernel', 'add,top_k', '--cases');
    expect(status).toBe(0);
    expect(out).toMatch(/^PASS: all 44 cases within bounds/);
    expect(out).toMatch(/^ {2}top_k +u32 +14 +0 +pass$/m);
    expect(out).toContain('add, f32: 1 value, normal');
    expect(err).toMatch(/^Self-test {2}44\/44/m);
  });

  it('writes the report as JSON, to a file or alone to standard output', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selftest-'));
    const file = join(folder, 'report.json');
    const { status, out } = await run('--kernel', 'add', '--json', file, '--quiet');
    expect(status).toBe(0);
    const report: unknown = JSON.parse(await readFile(file, 'utf8'));
    expect(report).toMatchObject({ schema: 'moescope-selftest/1', runtime: 'node', verdict: { status: 'pass' } });
    expect(out).toMatch(/^PASS/);
    await rm(folder, { recursive: true });
    const piped = await run('--kernel', 'add', '--json', '-', '--quiet');
    expect(JSON.parse(piped.out)).toMatchObject({ schema: 'moescope-selftest/1' });
    expect(piped.err).toBe('');
  });

  it.each([
    [2, ['--kernel', 'nothing'], /error usage: The self-test has no kernel "nothing"/],
    [2, ['--type', 'q4_k,'], /error usage: --type cannot be/],
    [3, ['--adapter', 'hardware', '--kernel', 'add'], /error gpu-adapter/],
  ])('exits with %i for %o', async (expected, argv, message) => {
    const { status, out, err } = await run(...argv);
    expect(status).toBe(expected);
    expect(err).toMatch(message);
    expect(out).toBe('');
  });
});
