import { parseArgs } from 'node:util';
import { fail } from '../../base/errors';
import { closest } from './closest';
import type { CommandSpec } from './command-spec';
import { HELP, VERSION } from './shared-options';
import { COMMANDS, findCommand, type CommandName } from '../commands';
import {
  takesValue,
  type AnyOption,
  type DefaultedOption,
  type Flag,
  type Option,
  type RepeatedOption,
} from './option';

/** The values of one command line, typed by the option that asks. */
export interface Arguments {
  readonly operands: readonly string[];
  has(flag: Flag): boolean;
  get<T>(option: DefaultedOption<T>): T;
  get<T>(option: Option<T>): T | undefined;
  /** In the order given; empty where it is not. */
  all<T>(option: RepeatedOption<T>): readonly T[];
}

export type Invocation =
  | { readonly kind: 'help'; readonly command?: CommandSpec }
  | { readonly kind: 'version' }
  | { readonly kind: 'command'; readonly name: CommandName; readonly arguments: Arguments };

/**
 * Reads a command line, without the program's name. Every value is checked here, before anything runs.
 * @throws TracerError `usage`
 */
export function readCommandLine(argv: readonly string[]): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const [name] = rest;
    if (first !== 'help' || name === undefined) return { kind: 'help' };
    const about = findCommand(name);
    if (about === undefined) throw noCommand(name);
    return { kind: 'help', command: about };
  }
  if (first === '--version' || first === '-V') return { kind: 'version' };
  const command = findCommand(first);
  if (command === undefined) throw noCommand(first);
  const { values, positionals } = readOptions(command, rest);
  if (values.has(HELP.name)) return { kind: 'help', command };
  if (values.has(VERSION.name)) return { kind: 'version' };
  if (!isOperandCount(command.operands, positionals.length)) throw wrongOperands(command, positionals);
  const read = argumentsOf(values, positionals);
  for (const option of command.options) {
    if ('repeats' in option) read.all(option);
    else if (takesValue(option)) read.get(option);
  }
  return { kind: 'command', name: command.name, arguments: read };
}

function noCommand(actual: string): Error {
  const names = COMMANDS.map((command) => command.name);
  const what = actual.startsWith('-') ? 'option' : 'command';
  const meant = closest(actual, [...names, `--${HELP.name}`, `--${VERSION.name}`]);
  const remedy = `${meant === undefined ? '' : `Did you mean ${meant}? `}Commands: ${names.join(', ')}. See moescope --help.`;
  return fail('usage', `There is no ${what} "${actual}".`, remedy, { actual });
}

interface RawOptions {
  /** By option name, all that were given; none for flags. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

function readOptions(command: CommandSpec, argv: readonly string[]): RawOptions {
  const known: readonly AnyOption[] = [...command.options, HELP, VERSION];
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      known.flatMap((o) => namesOf(o).map((name) => [name, { type: takesValue(o) ? 'string' : 'boolean' } as const])),
    ),
    // Errors are ours, with a code and a remedy.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.find((candidate) =>
      token.rawName.startsWith('--')
        ? namesOf(candidate).includes(token.name)
        : shortOf(candidate) === token.rawName.slice(1),
    );
    const help = `See moescope ${command.name} --help.`;
    if (option === undefined) {
      const meant = closest(
        token.rawName,
        known.map((candidate) => `--${candidate.name}`),
      );
      const remedy = meant === undefined ? help : `Did you mean ${meant}? ${help}`;
      throw fail('usage', `${command.name} has no option ${token.rawName}.`, remedy, { actual: token.rawName });
    }
    const { name } = option;
    const before = values.get(name);
    if (before !== undefined && !('repeats' in option))
      throw fail('usage', `${token.rawName} is given twice.`, 'Give it once.', { option: `--${name}` });
    const isMissing = takesValue(option) && (token.value === undefined || token.value === '');
    if (isMissing) throw fail('usage', `${token.rawName} needs a value.`, help, { option: `--${name}` });
    if (!takesValue(option) && token.value !== undefined) {
      throw fail('usage', `${token.rawName} takes no value.`, help, { option: `--${name}`, actual: token.value });
    }
    values.set(name, [...(before ?? []), ...(token.value === undefined ? [] : [token.value])]);
  }
  return { values, positionals };
}

/** The name of an option, and an older one that is still read. */
function namesOf(option: AnyOption): readonly string[] {
  return 'was' in option && option.was !== undefined ? [option.name, option.was] : [option.name];
}

/** The letter of an option; undefined where it has none. */
function shortOf(option: AnyOption): string | undefined {
  return 'short' in option ? option.short : undefined;
}

function argumentsOf(values: RawOptions['values'], operands: readonly string[]): Arguments {
  function get<T>(option: DefaultedOption<T>): T;
  function get<T>(option: Option<T>): T | undefined;
  function get<T>(option: Option<T> | DefaultedOption<T>): T | undefined {
    const [given] = values.get(option.name) ?? [];
    const raw = given ?? ('byDefault' in option ? option.byDefault : undefined);
    return raw === undefined ? undefined : option.parse(raw, `--${option.name}`);
  }
  return {
    operands,
    has: (flag) => values.has(flag.name),
    get,
    all: (option) => (values.get(option.name) ?? []).map((raw) => option.parse(raw, `--${option.name}`)),
  };
}

/** `NAME...` stands for one or more, `[NAME]` for one or none. */
function isOperandCount(operands: readonly string[], count: number): boolean {
  const isOpen = operands.some((operand) => operand.endsWith('...'));
  const least = operands.filter((operand) => !operand.startsWith('[')).length;
  return count >= least && (isOpen || count <= operands.length);
}

function wrongOperands(command: CommandSpec, actual: readonly string[]): Error {
  const expected = command.operands.join(' ') || 'nothing';
  return fail(
    'usage',
    `${command.name} takes ${expected}; it was given ${actual.length === 0 ? 'nothing' : actual.join(' ')}.`,
    `${actual.length > command.operands.length ? 'Quote a value that holds blanks. ' : ''}See moescope ${command.name} --help.`,
    { expected: command.operands.length, actual: actual.length },
  );
}
