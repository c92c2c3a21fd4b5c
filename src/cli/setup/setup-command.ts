import { say } from '../../base/foreign-text';
import { installFolder } from '../../engine/llama-cpp/install-folder';
import { setUpLlamaCpp } from '../../engine/llama-cpp/setup';
import { LIVE_ENGINES, liveBackend, parseLiveEngine } from '../../model/live';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { badValue } from '../command-line/option';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { writeOutput } from '../files/output';

/** `moescope setup ENGINE...`: what a live engine needs, into the user's cache. */
export const setupCommand: CommandRunner = async (args, terminal, signal) => {
  const backends = args.operands.map((word) => {
    const engine = parseLiveEngine(word);
    const backend = engine === undefined ? undefined : liveBackend(engine);
    if (backend === undefined) throw badValue('ENGINE', word, `llama.cpp or one of ${LIVE_ENGINES.join(', ')}`);
    return backend;
  });
  const folder = installFolder(process.env, process);
  if (!args.has(QUIET)) terminal.err(say`installing into ${folder}\n`);
  const result = await setUpLlamaCpp(backends, folder, process, signal);
  const file = args.get(JSON_FILE);
  if (file !== undefined) await writeOutput(file, `${JSON.stringify(result)}\n`, terminal);
  if (file !== '-') {
    terminal.out(say`${result.unchanged ? 'already installed' : 'installed'}: ${result.packages.join(', ')}\n`);
    terminal.out(
      say`try: npx --no moescope trace sample: --prompt Hello --candidate llama.cpp${backends[0] === 'cpu' ? '' : `:${backends[0] ?? ''}`}\n`,
    );
  }
  return exitCode('pass');
};
