import { bashCompletion } from './completion/bash';
import { fishCompletion } from './completion/fish';
import { SHELL_NAMES, type ShellName } from './completion/shells';
import { completedCommands, type CompletedCommand } from './completion/words';
import { zshCompletion } from './completion/zsh';
import { exitCode } from './exit-codes';
import { parseChoice } from './option';
import type { CommandRunner } from './run-cli';

const SCRIPTS: Readonly<Record<ShellName, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `moescope completion SHELL`: the script that completes commands and options there. */
export const completionCommand: CommandRunner = (args, terminal) => {
  const shell = parseChoice(SHELL_NAMES)(args.operands[0] ?? '', 'SHELL');
  terminal.out(SCRIPTS[shell](completedCommands()));
  return Promise.resolve(exitCode('pass'));
};
