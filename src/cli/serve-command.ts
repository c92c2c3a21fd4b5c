import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fail } from '../base/errors';
import type { CommandRunner } from './run-cli';
import { HOST, PORT } from './commands';
import { exitCode } from './exit-codes';
import { startStaticServer } from './serve/static-server';

/** `moescope serve`: the built page on this machine, until interrupted. */
export const serveCommand: CommandRunner = async (args, terminal, signal) => {
  const folder = await pageFolder();
  const server = await startStaticServer({ folder, host: args.get(HOST), port: args.get(PORT) });
  terminal.out(`MoEscope is at ${server.url} (Ctrl+C to stop)\n`);
  await new Promise<void>((done) => {
    signal.addEventListener('abort', () => {
      done();
    });
  });
  await server.close();
  return exitCode('pass');
};

/**
 * The folder of the built page: the parent of the built command line.
 * @throws TracerError `usage` when the page has not been built
 */
export async function pageFolder(): Promise<string> {
  const folder = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
  try {
    await access(`${folder}/index.html`);
  } catch {
    throw fail('usage', 'The page has not been built.', 'Run npm run build first.', { folder });
  }
  return folder;
}
