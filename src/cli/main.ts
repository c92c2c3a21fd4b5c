#!/usr/bin/env node
import { toErrorData } from '../base/errors';
import { exitCode } from './exit-codes';
import { runCli } from './run-cli';
import { errorText, processTerminal } from './terminal';

const controller = new AbortController();
process.once('SIGINT', () => {
  controller.abort();
});
process.once('SIGTERM', () => {
  controller.abort();
});
// Whoever reads the output may stop early (`| head`): that is no failure of the run.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : exitCode('usage'));
});
// Node would end with 1 here, which means that the arms diverge.
process.on('uncaughtException', (error) => {
  process.stderr.write(errorText(toErrorData(error)));
  process.exit(exitCode('usage'));
});
process.exitCode = await runCli(process.argv.slice(2), processTerminal(), controller.signal);
