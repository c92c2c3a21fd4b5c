import { say } from '../../base/foreign-text';
import { JSON_FILE } from '../command-line/shared-options';
import { HOST, PORT } from './serve-options';
import { exitCode } from '../command-line/exit-codes';
import { writeOutput } from '../files/output';
import { pageFolder } from '../browser/page-folder';
import type { CommandRunner } from '../command-line/command-runner';
import { startStaticServer } from './static-server';

/** `moescope serve`: the built page on this machine, until interrupted. */
export const serveCommand: CommandRunner = async (args, terminal, signal) => {
  const folder = await pageFolder();
  const file = args.get(JSON_FILE);
  const server = await startStaticServer({ folder, host: args.get(HOST), port: args.get(PORT) });
  try {
    if (!isOfThisMachine(args.get(HOST))) {
      terminal.err(
        say`${args.get(HOST)}: open to the network. Browsers have WebGPU on localhost and over https only: elsewhere the page cannot run models.\n`,
      );
    }
    if (file !== undefined) await writeOutput(file, `${JSON.stringify({ url: server.url })}\n`, terminal);
    if (file !== '-') terminal.out(say`MoEscope is at ${server.url} (Ctrl+C to stop)\n`);
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      signal.addEventListener('abort', () => {
        done();
      });
    });
  } finally {
    await server.close();
  }
  return exitCode('pass');
};

/** Loopback addresses and their names: nobody else reaches them. */
function isOfThisMachine(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(host);
}
