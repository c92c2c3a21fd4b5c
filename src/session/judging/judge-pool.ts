import { cancelled, orCancelled, whenAborted } from '../../base/abort';
import { fail, TracerError } from '../../base/errors';
import { outlineOf } from '../../gguf/model-over';
import type { ModelFile } from '../../gguf/model-file';
import type { HParams } from '../../model/hparams';
import type { FromJudge, JudgeWorker } from './protocol';
import { captureBytes } from '../run-memory';
import { hasSpareCores } from '../spare-cores';
import type { StepJudged, StepWork } from './step-work';

/**
 * Captures that may be in hand at a time, unless it is a single layer's: a thread holds some four times as much, the exact values and their
 * bounds in f64 among it.
 */
const MOST_BYTES = 2 ** 30;

/** Threads that judge layers: each layer by itself, whole, since nothing that it is judged by comes from another. */
export interface JudgePool {
  /** Starts the threads, so that the first layers need not wait for them. */
  warm(): void;
  /** Resolves when another layer can be taken. @throws what went wrong with one that was taken before */
  room(signal: AbortSignal | undefined): Promise<void>;
  /** Judges a layer. @throws TracerError `run-cancelled`, `cpu-worker`, or of the engines */
  judge(work: StepWork, tokens: Uint32Array<ArrayBuffer>, signal: AbortSignal | undefined): Promise<StepJudged>;
  /** Drops all that is in hand. */
  drop(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Judging threads for a model, one a core; undefined where they would not pay: on few cores, and where each would fetch the file anew.
 * @param start a thread that nobody has spoken to
 */
export function judgesFor(
  model: ModelFile,
  hparams: HParams,
  cores: number,
  start: () => JudgeWorker,
): JudgePool | undefined {
  return hasSpareCores(model, cores) ? createJudgePool(model, hparams, { threads: cores, start }) : undefined;
}

interface Seat {
  worker: JudgeWorker | undefined;
  busy: { readonly bytes: number; settle(outcome: FromJudge | TracerError): void } | undefined;
}

/**
 * @param model that the threads open anew by its descriptors
 * @param start a thread that nobody has spoken to; as many are started as there are layers to judge, `threads` at most
 */
export function createJudgePool(
  model: ModelFile,
  hparams: HParams,
  { threads, start }: { readonly threads: number; readonly start: () => JudgeWorker },
): JudgePool {
  const seats = Array.from({ length: threads }, (): Seat => ({ worker: undefined, busy: undefined }));
  const waiting: (() => void)[] = [];

  const isRoom = (): boolean => {
    const bytes = seats.reduce((sum, { busy }) => sum + (busy?.bytes ?? 0), 0);
    return bytes === 0 || (bytes < MOST_BYTES && seats.some(({ busy }) => busy === undefined));
  };
  const wake = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  const settle = (seat: Seat, outcome: FromJudge | TracerError): void => {
    const { busy } = seat;
    seat.busy = undefined;
    busy?.settle(outcome);
    wake();
  };
  /** A thread cannot be stopped within a layer: it is ended, and another takes its seat when there is need. */
  const end = async (seat: Seat, error: TracerError): Promise<void> => {
    const { worker } = seat;
    seat.worker = undefined;
    settle(seat, error);
    await worker?.terminate();
  };
  const endAll = async (these: readonly Seat[], error: TracerError): Promise<void> => {
    await Promise.all(these.map((seat) => end(seat, error)));
  };

  const hire = (seat: Seat): JudgeWorker => {
    const worker = start();
    worker.listen(
      (message) => {
        if (seat.worker === worker) settle(seat, message);
      },
      (reason) => {
        if (seat.worker === worker) void end(seat, threadDied(reason));
      },
    );
    worker.post({ type: 'open', outline: outlineOf(model), hparams }, []);
    return worker;
  };

  return {
    warm() {
      for (const seat of seats.slice(0, hparams.nLayer)) seat.worker ??= hire(seat);
    },
    async room(signal) {
      while (!isRoom()) await orCancelled(new Promise<void>((go) => waiting.push(go)), signal);
    },
    judge(work, tokens, signal) {
      const seat = seats.find(({ busy }) => busy === undefined);
      if (seat === undefined)
        return Promise.reject(fail('internal', 'Every judging thread is busy.', 'Please report this defect.'));
      return new Promise<StepJudged>((resolve, reject) => {
        let forget: (() => void) | undefined;
        seat.busy = {
          bytes: captureBytes(work.own) + captureBytes(work.free?.reference),
          settle: (outcome) => {
            forget?.();
            if (outcome instanceof TracerError) reject(outcome);
            else if (outcome.type === 'failed') reject(new TracerError(outcome.error));
            else resolve(outcome.judged);
          },
        };
        seat.worker ??= hire(seat);
        seat.worker.post({ type: 'judge', tokens, work }, []);
        if (signal !== undefined) forget = whenAborted(signal, () => void end(seat, cancelled()));
      });
    },
    drop: () =>
      endAll(
        seats.filter(({ busy }) => busy !== undefined),
        cancelled(),
      ),
    dispose: () => endAll(seats, threadDied('the model was closed')),
  };
}

function threadDied(reason: string): TracerError {
  return fail(
    'cpu-worker',
    `A thread that judges stopped: ${reason}.`,
    'Run it again. If it stops again, judge fewer tokens.',
    {
      reason,
    },
  );
}
