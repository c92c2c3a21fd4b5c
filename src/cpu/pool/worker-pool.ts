import { cancelled, throwIfAborted, whenAborted } from '../../base/abort';
import { fail, TracerError } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import type { CpuPool, MatmulJob, RunOptions } from './cpu-pool';
import type { FromWorker, WorkerLike } from './protocol';
import { planUnits, resultsOf, unitRange, type Results, type Unit } from './unit';
import { weightReader } from './weight-reader';

/** Units that a worker holds at a time: the next is there when one is finished. */
const UNITS_IN_HAND = 2;
/** Units that are read beyond those in the workers' hands. */
const UNITS_IN_READING = 4;

/** One call of `run`. */
interface Run {
  readonly results: Results;
  readonly options: RunOptions;
  left: number;
  settle(error: unknown): void;
}

interface Assigned {
  readonly run: Run;
  readonly job: MatmulJob;
  readonly unit: Unit;
}

interface Loaded extends Assigned {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Seat {
  readonly worker: WorkerLike;
  /** Units that the worker has not answered yet, by id. */
  readonly inHand: Map<number, Assigned>;
}

/**
 * Spreads products over workers. This thread reads, ahead of the arithmetic, and hands each worker the bytes of its rows. When a worker dies
 * the pool is broken: every call fails with `cpu-worker`. The pool owns the workers.
 * @param workers at least one, fresh
 */
export function createWorkerPool(model: ModelFile, workers: readonly WorkerLike[]): CpuPool {
  const seats: readonly Seat[] = workers.map((worker) => ({ worker, inHand: new Map() }));
  const reader = weightReader(model);
  /** Units to read; units that are read and wait for a worker. */
  let waiting: Assigned[] = [];
  let loaded: Loaded[] = [];
  let reading = 0;
  const active = new Set<Run>();
  let broken: TracerError | undefined;
  let nextId = 0;

  const finish = (run: Run, error: unknown): void => {
    if (!active.delete(run)) return;
    waiting = waiting.filter((assigned) => assigned.run !== run);
    loaded = loaded.filter((assigned) => assigned.run !== run);
    if (error !== undefined) {
      reader.forget();
      for (const seat of seats) {
        const ids = [...seat.inHand].filter(([, assigned]) => assigned.run === run).map(([id]) => id);
        if (ids.length > 0) seat.worker.post({ type: 'cancel', ids }, []);
      }
    }
    run.settle(error);
  };
  const breakPool = (error: TracerError): void => {
    broken ??= error;
    for (const run of [...active]) finish(run, broken);
  };
  const read = async (assigned: Assigned): Promise<void> => {
    const { run, job, unit } = assigned;
    reading++;
    try {
      const range = { tensor: job.tensor, ...unitRange(job, unit) };
      const bytes = await reader.take(range, run.options.signal);
      if (!active.has(run)) return;
      run.options.onRead?.(job.tensor.name, range.length);
      loaded.push({ ...assigned, bytes });
    } catch (error) {
      finish(run, error);
    } finally {
      reading--;
      feed();
    }
  };
  const feed = (): void => {
    for (let depth = 1; depth <= UNITS_IN_HAND; depth++) {
      for (const seat of seats) {
        if (seat.inHand.size >= depth) continue;
        const next = loaded.shift();
        if (next !== undefined) assign(seat, next);
      }
    }
    // Reading stays a few units a worker ahead, which bounds memory.
    while (reading + loaded.length < seats.length + UNITS_IN_READING) {
      const next = waiting.shift();
      if (next === undefined) return;
      void read(next);
    }
  };
  const assign = (seat: Seat, { bytes, ...assigned }: Loaded): void => {
    const { job, unit } = assigned;
    const id = nextId++;
    seat.inHand.set(id, assigned);
    const x = job.x.slice();
    const { tensor, nTokens, magnitudes } = job;
    const message = { type: 'unit', id, tensor, bytes, rows: unit.rows, x, nTokens, magnitudes } as const;
    // Memory that a source shares with others cannot be given away.
    const own = bytes.byteLength === bytes.buffer.byteLength;
    seat.worker.post(own ? message : { ...message, bytes: bytes.slice() }, own ? [x.buffer, bytes.buffer] : [x.buffer]);
  };
  const receive = (seat: Seat, message: FromWorker): void => {
    const assigned = seat.inHand.get(message.id);
    if (assigned === undefined) return;
    const { run, job, unit } = assigned;
    seat.inHand.delete(message.id);
    if (message.type === 'failed') finish(run, new TracerError(message.error));
    else if (active.has(run)) {
      run.results.place(job, unit, message);
      run.left--;
      if (run.left === 0) finish(run, undefined);
    }
    feed();
  };

  for (const seat of seats) {
    seat.worker.listen(
      (message) => {
        receive(seat, message);
      },
      (reason) => {
        breakPool(workerDied(reason));
      },
    );
  }

  return {
    async run(jobs, options) {
      throwIfAborted(options.signal);
      if (broken !== undefined) throw broken;
      const results = resultsOf(jobs);
      const units = planUnits(jobs, seats.length);
      if (units.length === 0) return results.all();
      await new Promise<void>((resolve, reject: (error: unknown) => void) => {
        const abort = (): void => {
          finish(run, cancelled());
        };
        let forget: (() => void) | undefined;
        const settle = (error: unknown): void => {
          forget?.();
          if (error === undefined) resolve();
          else reject(error);
        };
        const run: Run = { results, options, left: units.length, settle };
        if (options.signal !== undefined) forget = whenAborted(options.signal, abort);
        active.add(run);
        for (const unit of units) {
          const job = jobs[unit.job];
          if (job !== undefined) waiting.push({ run, job, unit });
        }
        feed();
      });
      return results.all();
    },
    expect(jobs) {
      if (broken !== undefined) return;
      reader.expect(
        planUnits(jobs, seats.length).flatMap((unit) => {
          const job = jobs[unit.job];
          return job === undefined ? [] : [{ tensor: job.tensor, ...unitRange(job, unit) }];
        }),
      );
    },
    async dispose() {
      reader.forget();
      breakPool(workerDied('the pool was closed'));
      await Promise.all(seats.map((seat) => seat.worker.terminate()));
    },
  };
}

function workerDied(reason: string): TracerError {
  return fail('cpu-worker', `A CPU worker stopped: ${reason}.`, 'Run it again. If it stops again, use fewer workers.', {
    reason,
  });
}
