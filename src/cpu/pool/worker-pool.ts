import { cancelled, throwIfAborted } from '../../base/abort';
import { fail, TracerError } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import type { CpuPool, MatmulJob, MatmulResult, RunOptions } from './cpu-pool';
import type { FromWorker, WorkerLike } from './protocol';
import { emptyResults, placeUnit, planUnits, unitRange, type Unit } from './unit';

/** Units that a worker holds at a time: one is computed while the next is read. */
const UNITS_IN_HAND = 2;

/** One call of `run`. */
interface Run {
  readonly jobs: readonly MatmulJob[];
  readonly results: readonly MatmulResult[];
  readonly options: RunOptions;
  left: number;
  settle(error: unknown): void;
}

interface Assigned {
  readonly run: Run;
  readonly job: MatmulJob;
  readonly result: MatmulResult;
  readonly unit: Unit;
}

interface Seat {
  readonly worker: WorkerLike;
  /** Units that the worker has not answered yet, by id. */
  readonly inHand: Map<number, Assigned>;
}

/**
 * Spreads products over workers, each of which opens the model from `model.descriptors` and reads its own rows. When a worker dies the
 * pool is broken: every call fails with `cpu-worker`. The pool owns the workers.
 * @param workers at least one, fresh
 */
export function createWorkerPool(model: ModelFile, workers: readonly WorkerLike[]): CpuPool {
  const seats: readonly Seat[] = workers.map((worker) => ({ worker, inHand: new Map() }));
  const waiting: Assigned[] = [];
  const active = new Set<Run>();
  let broken: TracerError | undefined;
  let nextId = 0;

  const finish = (run: Run, error: unknown): void => {
    if (!active.delete(run)) return;
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]?.run === run) waiting.splice(i, 1);
    for (const seat of error === undefined ? [] : seats) {
      const ids = [...seat.inHand].filter(([, assigned]) => assigned.run === run).map(([id]) => id);
      if (ids.length > 0) seat.worker.post({ type: 'cancel', ids }, []);
    }
    run.settle(error);
  };
  const breakPool = (error: TracerError): void => {
    broken ??= error;
    for (const run of [...active]) finish(run, broken);
  };
  const feed = (): void => {
    for (let depth = 1; depth <= UNITS_IN_HAND; depth++) {
      for (const seat of seats) {
        if (seat.inHand.size >= depth) continue;
        const assigned = waiting.shift();
        if (assigned === undefined) return;
        assign(seat, assigned);
      }
    }
  };
  const assign = (seat: Seat, assigned: Assigned): void => {
    const { job, unit } = assigned;
    const id = nextId++;
    seat.inHand.set(id, assigned);
    const x = job.x.slice();
    const { tensor, nTokens, magnitudes } = job;
    const range = unitRange(job, unit);
    seat.worker.post({ type: 'unit', id, tensor, ...range, rows: unit.rows, x, nTokens, magnitudes }, [x.buffer]);
  };
  const receive = (seat: Seat, message: FromWorker): void => {
    const assigned = seat.inHand.get(message.id);
    if (assigned === undefined) return;
    const { run, job, result, unit } = assigned;
    if (message.type === 'read') {
      if (active.has(run)) run.options.onRead?.(job.tensor.name, message.bytes);
      return;
    }
    seat.inHand.delete(message.id);
    if (message.type === 'failed') finish(run, new TracerError(message.error));
    else if (active.has(run)) {
      placeUnit(job, unit, message, result);
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
    seat.worker.post({ type: 'open', descriptors: model.descriptors }, []);
  }

  return {
    async run(jobs, options) {
      throwIfAborted(options.signal);
      if (broken !== undefined) throw broken;
      const results = emptyResults(jobs);
      const units = planUnits(jobs, seats.length);
      if (units.length === 0) return results;
      await new Promise<void>((resolve, reject: (error: unknown) => void) => {
        const abort = (): void => {
          finish(run, cancelled());
        };
        const settle = (error: unknown): void => {
          options.signal?.removeEventListener('abort', abort);
          if (error === undefined) resolve();
          else reject(error);
        };
        const run: Run = { jobs, results, options, left: units.length, settle };
        options.signal?.addEventListener('abort', abort);
        active.add(run);
        for (const unit of units) {
          const job = jobs[unit.job];
          const result = results[unit.job];
          if (job !== undefined && result !== undefined) waiting.push({ run, job, result, unit });
        }
        feed();
      });
      return results;
    },
    async dispose() {
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
