import type { CommandSpec } from './command-spec';
import { HELP, VERSION } from './shared-options';
import { joined, say, shownLines, type ShownText } from '../../base/foreign-text';
import { COMMANDS } from '../commands';
import { EXIT_CODES } from './exit-codes';
import { takesValue, type AnyOption } from './option';

/** Columns of the help text. */
const WIDTH = 100;

/** Headings as the terminal shows them. */
type Headings = (text: ShownText) => ShownText;
const plain: Headings = (text) => text;

/** The overview: all commands, exit status. */
export function generalHelp(heading: Headings = plain): ShownText {
  const commands = COMMANDS.map((command) => [signature(command), command.summary] as const);
  const exits = EXIT_CODES.map((exit) => [String(exit.code), exit.meaning] as const);
  return linesOf([
    'moescope: finds where a GPU’s mixture-of-experts forward pass parts from the exact reference.',
    '',
    heading(say`Commands`),
    ...table(commands),
    '',
    heading(say`Options`),
    ...table(optionRows([HELP, VERSION])),
    '',
    heading(say`Exit status`),
    ...table(exits),
    '',
    'moescope COMMAND --help explains a command.',
  ]);
}

/** The help of one command. */
export function commandHelp(command: CommandSpec, heading: Headings = plain): ShownText {
  return linesOf([
    `moescope ${signature(command)} [options]`,
    '',
    ...wrap(command.description, WIDTH),
    '',
    heading(say`Options`),
    ...table(optionRows([...command.options, HELP])),
    '',
    heading(say`Examples`),
    ...command.examples.map((example) => `  ${example}`),
  ]);
}

function signature(command: CommandSpec): string {
  return [command.name, ...command.operands].join(' ');
}

function optionRows(options: readonly AnyOption[]): readonly (readonly [string, string])[] {
  return options.map((option) => {
    const value = takesValue(option) ? ` ${option.placeholder}` : '';
    const byDefault = 'byDefault' in option ? ` (default: ${option.byDefault})` : '';
    const letter = 'short' in option ? `-${option.short ?? ''}, ` : '';
    return [`${letter}--${option.name}${value}`, `${option.help}${byDefault}`] as const;
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

/** Lines of ours, headings among them. */
function linesOf(lines: readonly (string | ShownText)[]): ShownText {
  return joined(lines.map((line) => say`${typeof line === 'string' ? shownLines(line) : line}\n`));
}
