import type { CommandSpec } from '../command-line/command-spec';
import { SHELL_NAMES } from './shells';

/** `completion` in the command table. */
export const COMPLETION = {
  name: 'completion',
  operands: ['SHELL'],
  summary: `print what completes commands and options in ${SHELL_NAMES.join(', ')}`,
  description: `Prints a script for ${SHELL_NAMES.join(', ')} that completes commands, options and the values of options that have a list of them. bash: source <(moescope completion bash). zsh: save it as _moescope in a folder of $fpath. fish: save it as ~/.config/fish/completions/moescope.fish.`,
  options: [],
  examples: ['moescope completion bash', 'moescope completion zsh', 'moescope completion fish'],
} as const satisfies CommandSpec;
