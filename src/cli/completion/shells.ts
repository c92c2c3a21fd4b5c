/** Shells that have a completion script. Imports nothing: the command table names them. */
export const SHELL_NAMES = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof SHELL_NAMES)[number];
