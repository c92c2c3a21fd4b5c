import { toErrorData } from '../base/errors';
import { say, type ShownText } from '../base/foreign-text';
import { TOOL } from '../base/version';
import { readCommandLine } from './command-line/arguments';
import type { CommandRunner } from './command-line/command-runner';
import type { CommandName } from './commands';
import { exitCode, exitCodeOfError } from './command-line/exit-codes';
import { commandHelp, generalHelp } from './command-line/help';
import { VERBOSE } from './command-line/shared-options';
import { causesText, errorText, styled, type Terminal } from './terminal/terminal';

/** Each command's code is loaded when it is needed: `--help` and `serve` start without the engine. */
const RUNNERS: Readonly<Record<CommandName, () => Promise<CommandRunner>>> = {
  trace: async () => (await import('./trace/trace-command')).traceCommand,
  diff: async () => (await import('./diff/diff-command')).diffCommand,
  bisect: async () => (await import('./bisect/bisect-command')).bisectCommand,
  judge: async () => (await import('./judge/judge-command')).judgeCommand,
  bench: async () => (await import('./bench/bench-command')).benchCommand,
  suite: async () => (await import('./suite/suite-command')).suiteCommand,
  merge: async () => (await import('./suite/merge-command')).mergeCommand,
  generate: async () => (await import('./generate/generate-command')).generateCommand,
  inspect: async () => (await import('./inspect/inspect-command')).inspectCommand,
  'make-model': async () => (await import('./make-model/make-model-command')).makeModelCommand,
  selftest: async () => (await import('./selftest/selftest-command')).selftestCommand,
  atlas: async () => (await import('./atlas/atlas-command')).atlasCommand,
  doctor: async () => (await import('./doctor/doctor-command')).doctorCommand,
  serve: async () => (await import('./serve/serve-command')).serveCommand,
  setup: async () => (await import('./setup/setup-command')).setupCommand,
  completion: async () => (await import('./completion/completion-command')).completionCommand,
};

/**
 * The whole program. Never rejects: a failure is printed and becomes an exit status.
 * @param argv without node and the script
 */
export async function runCli(argv: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  let isVerbose = false;
  const heading = (text: ShownText): ShownText => styled(terminal, 'out', 'head', text);
  try {
    const invocation = readCommandLine(argv);
    switch (invocation.kind) {
      case 'help':
        terminal.out(
          invocation.command === undefined ? generalHelp(heading) : commandHelp(invocation.command, heading),
        );
        return argv.length === 0 ? exitCode('usage') : exitCode('pass');
      case 'version':
        terminal.out(say`${TOOL.name} ${TOOL.version} (${TOOL.commit})\n`);
        return exitCode('pass');
      case 'command': {
        isVerbose = invocation.arguments.has(VERBOSE);
        const runner = await RUNNERS[invocation.name]();
        return await runner(invocation.arguments, terminal, signal);
      }
    }
  } catch (error) {
    const data = toErrorData(error);
    terminal.err(errorText(data, terminal));
    if (isVerbose) terminal.err(causesText(error));
    return exitCodeOfError(data.code);
  }
}
