import type { Terminal } from '../terminal/terminal';
import type { Arguments } from './arguments';

/** A command's work. Resolves to the exit status. */
export type CommandRunner = (args: Arguments, terminal: Terminal, signal: AbortSignal) => Promise<number>;
