import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands';
import { EXIT_CODES } from '../../src/cli/command-line/exit-codes';
import { runCli } from '../../src/cli/run-cli';
import { terminalDouble } from './terminal-double';

async function run(...argv: readonly string[]) {
  const terminal = terminalDouble();
  const status = await runCli(argv, terminal, new AbortController().signal);
  return { status, ...terminal.written };
}

describe('help', () => {
  test('names every command and exit status', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    for (const command of COMMANDS) expect(out).toContain(command.summary);
    for (const exit of EXIT_CODES) expect(out).toContain(`  ${exit.code} `);
  });

  test.each(COMMANDS.map((c) => c.name))(
    'of %s names every option with its default, within 100 columns',
    async (name) => {
      const { status, out } = await run(name, '--help');
      expect(status).toBe(0);
      const oneLine = out.replace(/\s+/g, ' ');
      for (const option of COMMANDS.find((c) => c.name === name)?.options ?? []) {
        expect(oneLine).toContain(`--${option.name}`);
        expect(oneLine).toContain(option.help.replace(/\s+/g, ' '));
        if ('byDefault' in option) expect(oneLine).toContain(`(default: ${option.byDefault})`);
      }
      const widest = Math.max(...out.split('\n').map((line) => (line.startsWith('  moescope') ? 0 : line.length)));
      expect(widest).toBeLessThanOrEqual(100);
    },
  );

  test('without a command goes to standard output and is a usage error', async () => {
    const { status, out } = await run();
    expect(status).toBe(2);
    expect(out).toContain('Commands');
  });
});

describe('a usage error', () => {
  test('is told on standard error with code and remedy, without a stack, status 2', async () => {
    const { status, out, err } = await run('trace', 'm.gguf', '--mode', 'fast');
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toBe(
      'error usage: --mode cannot be "fast".\n  option: --mode\n  expected: any of local, isolated, free, separated by commas, or both\n  actual: fast\n  Give any of local, isolated, free, separated by commas, or both.\n',
    );
  });
});
