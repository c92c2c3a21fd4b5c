import { cancelled, throwIfAborted, whenAborted } from '../../base/abort';
import { fail, TracerError } from '../../base/errors';
import { isShared, shared } from '../../base/shared-memory';
import type { ModelFile } from '../../gguf/model-file';
import { isNear, outlineOf } from '../../gguf/model-over';
import { fileBytes, type ReadOptions } from '../../gguf/tensor-rows';
import type { CpuPool, MatmulJob } from './cpu-pool';
import type { FromWorker, WorkerLike } from './protocol';
import { planUnits, resultsOf, type Results, type Unit } from './unit';
import { weightReader } from './weight-reader';

/** Units that a worker holds at a time: the next is there when one is finished. */
const UNITS_IN_HAND = 2;
/** The same of a worker that reads: one is multiplied while the next ones are read. */
const UNITS_READ_IN_HAND = 3;
/** Units that are read beyond those in the workers' hands. */
const UNITS_IN_READING = 4;

/** One call of `run`. */
interface Run {
  readonly results: Results;
  readonly options: ReadOptions;
  left: number;
  settle(error: unknown): void;
}

interface Assigned {
  readonly run: Run;
  readonly job: MatmulJob;
  readonly unit: Unit;
}

interface Loaded extends Assigned {
  /** Undefined where the worker reads. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

interface Seat {
  readonly worker: WorkerLike;
  /** Units that the worker has not answered yet, by id. */
  readonly inHand: Map<number, Assigned>;
}

/**
 * Spreads products over workers. Each reads the rows that it multiplies; where only this thread can read (a server, memory), it reads ahead
 * of the arithmetic and hands each worker the bytes of its rows. When a worker dies
 * the pool is broken: every call fails with `cpu-worker`. The pool owns the workers.
 * @param workers at least one, fresh
 */
export function createWorkerPool(model: ModelFile, workers: readonly WorkerLike[]): CpuPool {
  const seats: readonly Seat[] = workers.map((worker) => ({ worker, inHand: new Map() }));
  const reader = weightReader(model);
  const readThemselves = isNear(model);
  /** Units to read; units that are read and wait for a worker. */
  let waiting: Assigned[] = [];
  let loaded: Loaded[] = [];
  let reading = 0;
  const inputs = jobInputs();
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
    const { run, unit } = assigned;
    reading++;
    try {
      const bytes = await reader.take(unit, run.options.signal);
      if (!active.has(run)) return;
      run.options.onRead?.(unit.tensor.name, fileBytes(unit));
      loaded.push({ ...assigned, bytes });
    } catch (error) {
      finish(run, error);
    } finally {
      reading--;
      feed();
    }
  };
  const toBeRead = (assigned: Assigned | undefined): Loaded | undefined => {
    if (assigned === undefined) return undefined;
    const { run, unit } = assigned;
    run.options.onRead?.(unit.tensor.name, fileBytes(unit));
    return { ...assigned, bytes: undefined };
  };
  const feed = (): void => {
    for (let depth = 1; depth <= (readThemselves ? UNITS_READ_IN_HAND : UNITS_IN_HAND); depth++) {
      for (const seat of seats) {
        if (seat.inHand.size >= depth) continue;
        const next = readThemselves ? toBeRead(waiting.shift()) : loaded.shift();
        if (next !== undefined) assign(seat, next);
      }
    }
    if (readThemselves) return;
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
    const x = inputs.of(job);
    const { nTokens, magnitudes } = job;
    const { tensor, firstRow, rows } = unit;
    // A part of what a source keeps cannot be given away.
    const isPart = bytes !== undefined && bytes.byteLength < bytes.buffer.byteLength;
    const given = isPart ? bytes.slice() : bytes;
    const transfer = [x.buffer, given?.buffer].filter(isOwn);
    seat.worker.post({ type: 'unit', id, tensor, firstRow, rows, x, nTokens, magnitudes, bytes: given }, transfer);
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
    if (readThemselves) seat.worker.post({ type: 'open', outline: outlineOf(model) }, []);
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
      if (broken !== undefined || readThemselves) return;
      reader.expect(planUnits(jobs, seats.length));
    },
    async dispose() {
      reader.forget();
      breakPool(workerDied('the pool was closed'));
      await Promise.all(seats.map((seat) => seat.worker.terminate()));
    },
  };
}

/** What units are multiplied with: memory that all workers see, where there is such, else a copy for each unit. */
function jobInputs(): { of(job: MatmulJob): Float64Array<ArrayBufferLike> } {
  // Several matrices are multiplied with one x.
  const known = new WeakMap<Float64Array, Float64Array<ArrayBufferLike>>();
  return {
    of({ x }) {
      const found = known.get(x) ?? shared(x);
      if (!isShared(found.buffer)) return x.slice();
      known.set(x, found);
      return found;
    },
  };
}

function isOwn(buffer: ArrayBufferLike | undefined): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer;
}

function workerDied(reason: string): TracerError {
  return fail('cpu-worker', `A CPU worker stopped: ${reason}.`, 'Run it again. If it stops again, use fewer workers.', {
    reason,
  });
}
