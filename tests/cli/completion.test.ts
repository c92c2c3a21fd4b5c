import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands';
import { SHELL_NAMES, type ShellName } from '../../src/cli/completion/shells';
import { runCli } from '../../src/cli/run-cli';
import { RUN_MODES } from '../../src/divergence/run-mode';
import { STAGES } from '../../src/model/stages';
import { terminalDouble } from './terminal-double';

const folder = mkdtempSync(join(tmpdir(), 'moescope-completion-'));
mkdirSync(join(folder, 'models'));
writeFileSync(join(folder, 'a model.gguf'), '');
writeFileSync(join(folder, 'other.json'), '');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function script(shell: ShellName): Promise<string> {
  const terminal = terminalDouble();
  expect(await runCli(['completion', shell], terminal, new AbortController().signal)).toBe(0);
  return terminal.written.out;
}

/** What bash offers for a line that ends with the last word. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _moescope; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const result = spawnSync('bash', ['--norc', '-c', `${await script('bash')}\n${ask}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(result.stderr.replace(/.*compopt: not currently executing.*\n/g, '')).toBe('');
  return result.stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  test('offers every command, and what begins like the word', async () => {
    expect(await offered('moescope', '')).toEqual([...COMMANDS.map(({ name }) => name), 'help', '--help', '--version']);
    expect(await offered('moescope', 'ge')).toEqual(['generate']);
    expect(await offered('moescope', 'help', 'me')).toEqual(['merge']);
  });

  test.each(COMMANDS.map(({ name }) => name))('offers every option of %s', async (name) => {
    const options = COMMANDS.find((command) => command.name === name)?.options ?? [];
    const expected = [...options.map((option) => `--${option.name}`), '--help'];
    expect(await offered('moescope', name, '--')).toEqual(expected);
  });

  test('offers the words of a choice, after a blank and after =', async () => {
    expect(await offered('moescope', 'trace', 'm.gguf', '--mode', '')).toEqual([...RUN_MODES]);
    expect(await offered('moescope', 'trace', '--mode', '=', 'is')).toEqual(['isolated']);
    expect(await offered('moescope', 'generate', '--decoder', 'f')).toEqual(['fast']);
    expect(await offered('moescope', 'diff', '--format', 'a')).toEqual(['apr']);
    expect(await offered('moescope', 'trace', '--format', 'a')).toEqual(['aprt', 'aprt-zip']);
    expect(await offered('moescope', 'trace', '--stages', '')).toEqual(['all', ...STAGES.map(({ id }) => id)]);
    expect(await offered('moescope', 'completion', '')).toEqual([...SHELL_NAMES]);
  });

  test('offers files, folders and the sample where they fit, and nothing for free text', async () => {
    expect(await offered('moescope', 'trace', 'sa')).toEqual(['sample:']);
    expect(await offered('moescope', 'trace', 'a')).toEqual(['a model.gguf']);
    expect(await offered('moescope', 'trace', '--json', 'o')).toEqual(['other.json']);
    expect(await offered('moescope', 'trace', '--save-tensor', '')).toEqual(['models']);
    expect(await offered('moescope', 'trace', '--prompt', '')).toEqual([]);
  });
});

describe('completion in every shell', () => {
  test.each(SHELL_NAMES)('%s: names every command and option, once quoted right', async (shell) => {
    const text = await script(shell);
    for (const command of COMMANDS) {
      expect(text).toContain(command.name);
      for (const { name } of command.options) expect(text).toContain(shell === 'fish' ? `-l ${name} ` : `--${name}`);
    }
    // Where the shell is installed it reads the script; an apostrophe too many would end the parse elsewhere too.
    const file = join(folder, 'script');
    writeFileSync(file, text);
    const check = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    rmSync(file);
    if (check.error === undefined) expect(check.stderr).toBe('');
    if (shell !== 'bash') {
      const bare = text.replace(shell === 'zsh' ? /'\\''/g : /\\'/g, '');
      expect((bare.match(/'/g) ?? []).length % 2).toBe(0);
    }
  });

  test('refuses a shell that it does not know', async () => {
    const terminal = terminalDouble();
    expect(await runCli(['completion', 'tcsh'], terminal, new AbortController().signal)).toBe(2);
    expect(terminal.written.err).toContain('one of bash, zsh, fish');
  });
});
