import { describe, expect, test } from 'vitest';
import { plainText, shown } from '../../src/base/foreign-text';
import { runCli } from '../../src/cli/run-cli';
import { statusLine } from '../../src/cli/terminal/status-line';
import { errorText, showsColours, styled, styledVerdict } from '../../src/cli/terminal/terminal';
import { terminalDouble } from './terminal-double';

describe('colours', () => {
  test.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ])('terminal %s with %o: %s', (isTerminal, env, expected) => {
    expect(showsColours(isTerminal, env)).toBe(expected);
  });

  const coloured = { ...terminalDouble(), colours: { out: true, err: false } };

  test('mark the verdict, and only where the stream shows them', () => {
    expect(plainText(styledVerdict(coloured, 'out', shown('MATCH: all agree')))).toBe(
      '\x1b[32mMATCH\x1b[0m: all agree',
    );
    expect(plainText(styledVerdict(coloured, 'out', shown('BASELINE MOVED: 2 rows')))).toBe(
      '\x1b[1;31mBASELINE MOVED\x1b[0m: 2 rows',
    );
    expect(plainText(styledVerdict(coloured, 'out', shown('ERROR usage: no')))).toBe(
      '\x1b[1;31mERROR\x1b[0m usage: no',
    );
    expect(plainText(styledVerdict(coloured, 'out', shown('Something else')))).toBe('Something else');
    expect(plainText(styledVerdict(coloured, 'err', shown('MATCH: all agree')))).toBe('MATCH: all agree');
    expect(plainText(styled(terminalDouble(), 'out', 'bad', shown('x')))).toBe('x');
  });

  test('mark headings and errors on a terminal', async () => {
    const terminal = { ...terminalDouble(true), colours: { out: true, err: true } };
    await runCli(['--help'], terminal, new AbortController().signal);
    expect(terminal.written.out).toContain('\x1b[1mCommands\x1b[0m');
    await runCli(['nonsense'], terminal, new AbortController().signal);
    expect(terminal.written.err).toContain('\x1b[1;31merror usage:\x1b[0m There is no command "nonsense".');
    const data = { code: 'usage', message: 'm', remedy: 'r', detail: {} } as const;
    expect(plainText(errorText(data))).toBe('error usage: m\n  r\n');
  });
});

describe('a status line', () => {
  test('is painted over on a terminal and taken away, a line each elsewhere, nothing when quiet', () => {
    const painted = terminalDouble(true);
    const onTerminal = statusLine(painted, false);
    onTerminal.show('one');
    onTerminal.show('x'.repeat(200));
    onTerminal.clear();
    onTerminal.clear();
    expect(painted.written.err).toBe(`\r\x1b[2Kone\r\x1b[2K${'x'.repeat(79)}\r\x1b[2K`);
    const plain = terminalDouble();
    const inCi = statusLine(plain, false);
    inCi.show('one');
    inCi.clear();
    statusLine(plain, true).show('two');
    expect(plain.written.err).toBe('one\n');
  });
});
