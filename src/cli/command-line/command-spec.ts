import type { AnyOption } from './option';

/** One line of the command table. */
export interface CommandSpec {
  readonly name: string;
  /** What stands for the positional arguments in the help; `NAME...` is one or more, `[NAME]` one or none. */
  readonly operands: readonly string[];
  readonly summary: string;
  /** A paragraph for the command's own help. */
  readonly description: string;
  readonly options: readonly AnyOption[];
  readonly examples: readonly string[];
}
