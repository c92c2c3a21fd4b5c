import { describe, expect, test } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { ENGINE } from '../../src/cli/bench/bench-options';
import { readCommandLine, type Arguments } from '../../src/cli/command-line/arguments';
import { COMMANDS } from '../../src/cli/commands';
import * as shared from '../../src/cli/command-line/shared-options';
import * as trace from '../../src/cli/trace/trace-options';
import { takesValue, type AnyOption } from '../../src/cli/command-line/option';

function traceArguments(...argv: readonly string[]): Arguments {
  const invocation = readCommandLine(['trace', 'm.gguf', ...argv]);
  if (invocation.kind !== 'command') throw new Error(`expected a command, got ${invocation.kind}`);
  return invocation.arguments;
}

function usageError(...argv: readonly string[]): TracerError {
  try {
    readCommandLine(argv);
  } catch (error) {
    if (error instanceof TracerError && error.code === 'usage') return error;
    throw error;
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}

describe('readCommandLine', () => {
  test('knows letters of options, and no others', () => {
    expect(traceArguments('-v').has(shared.VERBOSE)).toBe(true);
    expect(traceArguments().has(shared.VERBOSE)).toBe(false);
    expect(readCommandLine(['trace', '-h'])).toMatchObject({ kind: 'help', command: { name: 'trace' } });
    expect(usageError('trace', 'm.gguf', '-x').message).toContain('-x');
    expect(usageError('trace', 'm.gguf', '-q').message).toContain('-q');
  });

  test('reads the older names of options, one of both at a time', () => {
    const invocation = readCommandLine(['bench', 'm.gguf', '--arm', 'cpu']);
    expect(invocation.kind === 'command' && invocation.arguments.get(ENGINE)).toBe('cpu');
    expect(usageError('bench', 'm.gguf', '--arm', 'cpu', '--engine', 'gpu').message).toContain('given twice');
    expect(usageError('trace', 'm.gguf', '--arm', 'cpu').message).toContain('no option');
  });

  test('gives every option its default', () => {
    const args = traceArguments();
    expect(args.operands).toEqual(['m.gguf']);
    expect(args.get(shared.PROMPT)).toBeUndefined();
    expect(args.get(shared.BUDGET)).toBeUndefined();
    expect(args.get(trace.ENGINES)).toBeUndefined();
    expect(args.get(trace.MODE)).toBeUndefined();
    expect(args.get(shared.STAGES_OPTION)).toBe('all');
    expect(args.get(shared.LAYERS)).toBe('all');
    expect(args.get(trace.POSITIONS)).toBe('all');
    expect(args.get(trace.FORMAT)).toBe('aprt');
    expect(args.get(shared.RUNTIME)).toBe('auto');
    expect(args.get(shared.ADAPTER)).toBe('any');
    expect(args.has(shared.CHAT)).toBe(false);
    expect(args.has(shared.QUIET)).toBe(false);
  });

  test('reads values after a blank and after =, in any order, before and after the operand', () => {
    const line = ['trace', '--mode', 'free', 'm.gguf', '--tokens=1,2 3', '--budget', '4GiB', '--chat'];
    const invocation = readCommandLine(line);
    if (invocation.kind !== 'command') throw new Error(invocation.kind);
    const args = invocation.arguments;
    expect(args.operands).toEqual(['m.gguf']);
    expect(args.get(trace.MODE)).toBe('free');
    expect(args.get(trace.TOKENS)).toEqual([1, 2, 3]);
    expect(args.get(shared.BUDGET)).toBe(4 * 2 ** 30);
    expect(args.has(shared.CHAT)).toBe(true);
  });

  test('says what a misspelt command or option was probably meant to be', () => {
    expect(usageError('trcae', 'm.gguf').remedy).toMatch(/^Did you mean trace\? Commands: /);
    expect(usageError('trace', 'm.gguf', '--josn', '-').remedy).toMatch(/^Did you mean --json\? /);
    expect(usageError('--verison').remedy).toMatch(/^Did you mean --version\? /);
    expect(usageError('help', 'insepct').remedy).toMatch(/^Did you mean inspect\? /);
    expect(usageError('frobnicate').remedy).toMatch(/^Commands: /);
    expect(usageError('trace', 'm.gguf', '--xyzzy').remedy).toBe('See moescope trace --help.');
  });

  test('takes --inject several times, in order and as faults are written, and refuses what is none', () => {
    const args = traceArguments('--inject', 'NaN@layer=2', '--quiet', '--inject=eps@layer=0');
    expect(args.all(trace.INJECT)).toEqual(['nan@layer=2', 'eps@layer=0']);
    expect(traceArguments().all(trace.INJECT)).toEqual([]);
    expect(traceArguments().get(trace.ROUTING)).toBe('own');
    expect(() => traceArguments('--inject', 'eps@layer=0', '--inject', 'bug@layer=1')).toThrow('no fault "bug"');
  });

  test('takes - as the value of --json and a prompt that looks like an option after =', () => {
    const args = traceArguments('--json', '-', '--prompt=--help');
    expect(args.get(shared.JSON_FILE)).toBe('-');
    expect(args.get(shared.PROMPT)).toBe('--help');
  });

  test.each([
    [['trace'], /takes MODEL/],
    [['diff', 'a', 'b', 'c'], /takes A B/],
    [['trcae', 'a'], /no command "trcae"/],
    [['trace', 'a', '--modes', 'free'], /no option --modes/],
    [['inspect', 'a', '--mode', 'free'], /no option --mode/],
    [['trace', 'a', '--mode'], /needs a value/],
    [['trace', 'a', '--mode', 'fast'], /--mode cannot be "fast"/],
    [['trace', 'a', '--arms', 'gpu,gpu'], /--engines cannot be/],
    [['trace', 'a', '--arms', ''], /needs a value/],
    [['trace', 'a', '--tokens', '1,-2'], /--tokens cannot be/],
    [['trace', 'a', '--tokens', 'one'], /--tokens cannot be/],
    [['trace', 'a', '--budget', 'lots'], /--budget cannot be/],
    [['trace', 'a', '--budget', '0'], /--budget cannot be/],
    [['trace', 'a', '--quiet=yes'], /takes no value/],
    [['trace', 'a', '--mode', 'free', '--mode', 'both'], /given twice/],
    [['serve', '--port', '70000'], /--port cannot be/],
  ])('refuses %j', (argv, message) => {
    const error = usageError(...argv);
    expect(error.message).toMatch(message);
    expect(error.remedy).not.toBe('');
  });

  test.each([
    [[], 'help'],
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['help', 'trace'], 'help'],
    [['trace', '--help'], 'help'],
    [['trace', '-h'], 'help'],
    [['--version'], 'version'],
    [['trace', '--version'], 'version'],
  ])('%j asks for %s', (argv, kind) => {
    expect(readCommandLine(argv).kind).toBe(kind);
  });
});

describe('the command table', () => {
  test('has each command and each option of a command once', () => {
    const names = COMMANDS.map((c) => c.name);
    expect(new Set(names).size).toBe(names.length);
    for (const command of COMMANDS) {
      const options = command.options.map((o) => o.name);
      expect(new Set(options).size).toBe(options.length);
    }
  });

  test('has defaults that its own parsers accept', () => {
    for (const command of COMMANDS) {
      const options: readonly AnyOption[] = command.options;
      for (const option of options) {
        if (takesValue(option) && 'byDefault' in option) {
          expect(() => option.parse(option.byDefault, option.name)).not.toThrow();
        }
      }
    }
  });

  test('has examples that parse', () => {
    for (const command of COMMANDS) {
      for (const example of command.examples) {
        const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? '');
        expect(words[0]).toBe('moescope');
        const invocation = readCommandLine(words.slice(1));
        expect(invocation).toMatchObject({ kind: 'command', name: command.name });
      }
    }
  });
});

describe('parseBytes', () => {
  test.each([
    ['1', 1],
    ['1073741824', 2 ** 30],
    ['4GiB', 2 ** 32],
    ['4gib', 2 ** 32],
    ['4Gi', 2 ** 32],
    ['4G', 4e9],
    ['4GB', 4e9],
    ['1.5 MiB', 1572864],
    ['500kB', 500_000],
    ['7B', 7],
  ])('%s is %d', (text, bytes) => {
    expect(traceArguments('--budget', text).get(shared.BUDGET)).toBe(bytes);
  });
});
