import type { CommandSpec } from '../command-line/command-spec';
import { HELP, VERSION } from '../command-line/shared-options';
import { COMMANDS } from '../commands';
import { SAMPLE_NAME } from '../files/open-model';
import { choicesOf, takesValue, type AnyOption } from '../command-line/option';
import { SHELL_NAMES } from './shells';

/** What can stand where a value is due. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' }
  | { readonly kind: 'folder' }
  /** Free text: nothing to offer. */
  | { readonly kind: 'text' };

export interface CompletedOption {
  /** With its dashes. */
  readonly flag: string;
  readonly help: string;
  readonly repeats: boolean;
  readonly placeholder: string;
  /** Undefined: takes none. */
  readonly values: Values | undefined;
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly operands: readonly { readonly name: string; readonly repeats: boolean; readonly words: readonly string[] }[];
}

/** The command table as a completion script needs it. */
export function completedCommands(): readonly CompletedCommand[] {
  return COMMANDS.map((command: CommandSpec) => ({
    name: command.name,
    summary: command.summary,
    options: [...command.options, HELP].map(completedOption),
    operands: command.operands.map((operand) => {
      const name = operand.replace(/\.\.\.|[[\]]/g, '');
      return {
        name,
        repeats: operand.endsWith('...'),
        words: name === 'SHELL' ? SHELL_NAMES : name === 'MODEL' ? [SAMPLE_NAME] : [],
      };
    }),
  }));
}

/** Flags that need no command. */
export const GENERAL_FLAGS: readonly CompletedOption[] = [HELP, VERSION].map(completedOption);

function completedOption(option: AnyOption): CompletedOption {
  return {
    flag: `--${option.name}`,
    help: option.help,
    repeats: 'repeats' in option,
    placeholder: takesValue(option) ? option.placeholder : '',
    values: takesValue(option) ? valuesOf(option.placeholder, choicesOf(option)) : undefined,
  };
}

function valuesOf(placeholder: string, words: readonly string[] | undefined): Values {
  if (words !== undefined) return { kind: 'words', words };
  if (placeholder === 'FILE') return { kind: 'file' };
  return { kind: placeholder === 'DIR' ? 'folder' : 'text' };
}
