import { ATLAS } from './atlas/atlas-spec';
import { BENCH } from './bench/bench-spec';
import { BISECT } from './bisect/bisect-spec';
import { COMPLETION } from './completion/completion-spec';
import { DIFF } from './diff/diff-spec';
import { DOCTOR } from './doctor/doctor-spec';
import { GENERATE } from './generate/generate-spec';
import { INSPECT } from './inspect/inspect-spec';
import { MAKE_MODEL } from './make-model/make-model-spec';
import { SELFTEST } from './selftest/selftest-spec';
import { SERVE } from './serve/serve-spec';
import { JUDGE } from './judge/judge-spec';
import { SETUP } from './setup/setup-spec';
import { MERGE } from './suite/merge-spec';
import { SUITE } from './suite/suite-spec';
import { TRACE } from './trace/trace-spec';
import type { CommandSpec } from './command-line/command-spec';

/** THE COMMAND TABLE, in the order of the help: parsing, help, completion and README derive from it. */
export const COMMANDS = [
  TRACE,
  DIFF,
  JUDGE,
  BISECT,
  SUITE,
  MERGE,
  INSPECT,
  GENERATE,
  BENCH,
  SELFTEST,
  ATLAS,
  DOCTOR,
  SERVE,
  MAKE_MODEL,
  SETUP,
  COMPLETION,
] as const satisfies readonly CommandSpec[];

export type CommandName = (typeof COMMANDS)[number]['name'];

/** The command with this name. */
export function findCommand(name: string): (CommandSpec & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}
