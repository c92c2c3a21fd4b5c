import { vi } from 'vitest';
import type * as device from '../../src/gpu/device';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { TemplateThread } from '../../src/tokenizer/template-thread/renderer';
import { serveJob } from '../../src/tokenizer/template-thread/serve';
import type { CliResult } from './built-cli';
import { terminalDouble } from './terminal-double';

// One software GPU for all commands of a test file: each kernel is compiled once.
vi.mock('../../src/gpu/device', async (original) => {
  const real = await original<typeof device>();
  let owner: Promise<device.GpuContext> | undefined;
  return {
    ...real,
    openDevice: (async (gpu, options) => {
      if (options.adapter === 'hardware') return real.openDevice(gpu, options);
      owner ??= real.openDevice(gpu, options);
      const { device, card } = await owner;
      return new real.GpuContext(device, card, true);
    }) satisfies typeof real.openDevice,
  };
});
// Worker threads run what was built.
vi.mock('../../src/cpu/pool/node-worker', () => ({ nodeWorker: () => undefined }));
vi.mock('../../src/cpu/pool/worker-pool', () => ({ createWorkerPool: createInlinePool }));
vi.mock('../../src/tokenizer/template-thread/node', () => ({ nodeTemplateThread: threadHere }));

function threadHere(): TemplateThread {
  let onAnswer: Parameters<TemplateThread['listen']>[0] = () => undefined;
  return {
    post: (job) => {
      serveJob(job, onAnswer);
    },
    listen: (listener) => {
      onAnswer = listener;
    },
    terminate: () => undefined,
  };
}

/**
 * Runs the command line to its end in this process: what `runBuiltCli` gives, where it does not matter that a process starts and ends.
 * To be imported first, before anything imports what is replaced here.
 */
export async function runCliHere(...args: readonly string[]): Promise<CliResult> {
  const { runCli } = await import('../../src/cli/run-cli');
  const terminal = terminalDouble();
  const status = await runCli(args, terminal, new AbortController().signal);
  return { status, ...terminal.written };
}
