import type { CommandSpec } from './command-spec';
import { HELP, VERSION } from './shared-options';
import { COMMANDS } from '../commands';
import { EXIT_CODES } from './exit-codes';
import { takesValue, type AnyOption } from './option';

/** Columns of the help text. */
const WIDTH = 100;

/** Headings as the terminal shows them. */
type Headings = (text: string) => string;
const plain: Headings = (text) => text;

/** The overview: all commands, exit status. */
export function generalHelp(heading: Headings = plain): string {
  const commands = COMMANDS.map((command) => [signature(command), command.summary] as const);
  const exits = EXIT_CODES.map((exit) => [String(exit.code), exit.meaning] as const);
  return [
    'moescope: finds where a GPU’s mixture-of-experts forward pass parts from the exact reference.',
    '',
    heading('Commands'),
    ...table(commands),
    '',
    heading('Options'),
    ...table(optionRows([HELP, VERSION])),
    '',
    heading('Exit status'),
    ...table(exits),
    '',
    'moescope COMMAND --help explains a command.',
    '',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(command: CommandSpec, heading: Headings = plain): string {
  return [
    `moescope ${signature(command)} [options]`,
    '',
    ...wrap(command.description, WIDTH),
    '',
    heading('Options'),
    ...table(optionRows([...command.options, HELP])),
    '',
    heading('Examples'),
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

function signature(command: CommandSpec): string {
  return [command.name, ...command.operands].join(' ');
}

function optionRows(options: readonly AnyOption[]): readonly (readonly [string, string])[] {
  return options.map((option) => {
    const value = takesValue(option) ? ` ${option.placeholder}` : '';
    const byDefault = 'byDefault' in option ? ` (default: ${option.byDefault})` : '';
    return [`--${option.name}${value}`, `${option.help}${byDefault}`] as const;
  });
}

/** Two columns, the second wrapped. */
function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - left).map((line, i) => (i === 0 ? `  ${name}`.padEnd(left) : ' '.repeat(left)) + line),
  );
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
