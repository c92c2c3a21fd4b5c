import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { cancelled, whenAborted } from '../../base/abort';
import { fail, TracerError, type ErrorData } from '../../base/errors';
import { readFrames, type ChildCommand, type ReadFrame } from './frames';

/** Characters of the library's log that a failure repeats. */
const LOG_KEPT = 4000;
const LOG_SHOWN = 600;

/** The child process as the engine sees it. */
export interface LiveProcess {
  send(command: ChildCommand): void;
  /** The next frame. @throws TracerError what the child reports, `engine-failed` where it ends, `run-cancelled` */
  next(signal: AbortSignal | undefined): Promise<ReadFrame>;
  /** Ends it at once. Safe to call twice. */
  kill(): void;
  readonly isOver: boolean;
}

/** Starts the child process. @param entry the built `child-entry.ts` @param env what differs from this process's environment */
export function startLiveProcess(entry: string, env: Readonly<Record<string, string>> = {}): LiveProcess {
  const child: ChildProcess = spawn(process.execPath, [entry], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let log = '';
  let over = false;
  let ended: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_KEPT);
  });
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('close', (code, name) => {
      over = true;
      ended ??= name === null ? `it exited with status ${code ?? 0}` : `it was ended by ${name}`;
      resolve();
    });
  });
  // Its end is told by the frames.
  child.stdin?.on('error', () => undefined);
  const pipe = child.stdio[3];
  const frames = readFrames(pipe instanceof Readable ? pipe : Readable.from([]));
  const died = async (): Promise<TracerError> => {
    await gone;
    const last = lastLines(log);
    return fail(
      'engine-failed',
      `llama.cpp's process ended: ${ended ?? 'for no known reason'}.${last === '' ? '' : ` Its last words: ${last}`}`,
      'A failed assertion of llama.cpp, or too little memory. Try another back end or --flash-attention off.',
      {
        reason: ended ?? '',
        log: last,
      },
    );
  };
  return {
    get isOver() {
      return over;
    },
    send(command) {
      child.stdin?.write(`${JSON.stringify(command)}\n`);
    },
    async next(signal) {
      const forget = signal === undefined ? undefined : whenAborted(signal, () => child.kill('SIGKILL'));
      try {
        const result = await frames.next().catch(() => ({ done: true, value: undefined }) as const);
        if (signal?.aborted === true) throw cancelled();
        if (result.done === true) throw await died();
        const { frame } = result.value;
        if (frame.type === 'failed') throw new TracerError(withLog(frame.error, log));
        return result.value;
      } finally {
        forget?.();
      }
    },
    kill() {
      over = true;
      child.kill('SIGKILL');
    },
  };
}

function withLog(data: ErrorData, log: string): ErrorData {
  const last = lastLines(log);
  if (last === '' || data.code !== 'engine-failed') return data;
  return { ...data, message: `${data.message} llama.cpp says: ${last}`, detail: { ...data.detail, log: last } };
}

function lastLines(log: string): string {
  return log.trim().slice(-LOG_SHOWN).split('\n').slice(-4).join(' | ');
}
