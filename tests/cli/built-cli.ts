import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program that `npm test` has built. */
export const BUILT_CLI = fileURLToPath(new URL('../../dist/cli/moescope.js', import.meta.url));

export interface CliResult {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Starts the built command line as a shell would, on the software GPU that the test runner's environment names. */
export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): {
  readonly finished: Promise<CliResult>;
  /** Resolves when standard error has shown the text. */
  until(text: string): Promise<void>;
  interrupt(signal?: NodeJS.Signals): void;
  /** Reads standard output no further, as `| head` does. */
  stopReading(): void;
} {
  const child = spawn(process.execPath, [BUILT_CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    for (const listener of listeners) listener();
  });
  const finished = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      // As a shell tells it.
      resolve({ status: status ?? (signal === 'SIGINT' ? 130 : undefined), out, err });
    });
  });
  return {
    finished,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (err.includes(text)) resolve();
        };
        listeners.add(look);
        look();
        void finished.then(() => {
          reject(new Error(`ended before it said "${text}": ${err}`));
        });
      }),
    interrupt: (signal = 'SIGINT') => child.kill(signal),
    stopReading: () => child.stdout.destroy(),
  };
}

/** Runs the built command line to its end. */
export function runBuiltCli(...args: readonly string[]): Promise<CliResult> {
  return startCli(args).finished;
}
