import { shownLines } from '../../base/foreign-text';
import { bashCompletion } from './bash';
import { fishCompletion } from './fish';
import { SHELL_NAMES, type ShellName } from './shells';
import { completedCommands, type CompletedCommand } from './words';
import { zshCompletion } from './zsh';
import { exitCode } from '../command-line/exit-codes';
import { parseChoice } from '../command-line/option';
import type { CommandRunner } from '../command-line/command-runner';

const SCRIPTS: Readonly<Record<ShellName, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `moescope completion SHELL`: the script that completes commands and options there. */
export const completionCommand: CommandRunner = (args, terminal) => {
  const shell = parseChoice(SHELL_NAMES)(args.operands[0] ?? '', 'SHELL');
  terminal.out(shownLines(SCRIPTS[shell](completedCommands())));
  return Promise.resolve(exitCode('pass'));
};
