#!/usr/bin/env node
import { reasonOf, toErrorData } from '../base/errors';
import { plainText, say } from '../base/foreign-text';
import { exitCode } from './command-line/exit-codes';
import { watchInterrupts } from './interrupt/watch-interrupts';
import { runCli } from './run-cli';
import { errorText, processTerminal } from './terminal/terminal';

/** Grace period after SIGINT before the process is forced to exit. */
const REST_MS = 10_000;

type Interrupt = 'SIGINT' | 'SIGTERM';

/**
 * Ends this process by the signal itself. `process.exit` would wait for threads that wait for a disk, a pipe or a driver; a signal that nobody listens for does not.
 */
function endBy(name: Interrupt): void {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

const controller = new AbortController();
let interrupt: Interrupt | undefined;
const watch = watchInterrupts(REST_MS);
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // `once`: a second signal falls through to Node's default handler.
  process.once(name, () => {
    interrupt = name;
    controller.abort();
    if (name === 'SIGINT') watch.heard();
    setTimeout(endBy, REST_MS, name).unref();
  });
}
// A closed pipe (`| head`) is neither a failure of the run nor a verdict on it.
const readerGone = new AbortController();
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      // What is lost must not look like a run that said nothing.
      if (stream === process.stdout) {
        process.stderr.write(plainText(say`error usage: Standard output cannot be written: ${reasonOf(error)}.\n`));
      }
      process.exit(exitCode('usage'));
    }
    if (stream === process.stdout) readerGone.abort();
  });
}
// Node would end with 1 here, which means that the engines diverge.
process.on('uncaughtException', (error) => {
  process.stderr.write(plainText(errorText(toErrorData(error))));
  process.exit(exitCode('usage'));
});
process.exitCode = await runCli(process.argv.slice(2), processTerminal(readerGone.signal), controller.signal);
// Of a run that was cancelled the GPU and the threads still end what they were given, for seconds at times: nobody waits for that. By the signal (130 to a shell), since
// `process.exit` takes away what a software GPU's threads still use, and half of such runs ended with SIGSEGV.
if (interrupt !== undefined) {
  // A server ends well when it is told to.
  const isCancelled = process.exitCode === exitCode('cancelled');
  if (!isCancelled || process.platform === 'win32') process.exit();
  endBy(interrupt);
}
