import { sharedBytes } from '../../base/shared-memory';
import type { ReadOptions, WeightTensor } from '../../gguf/tensor-rows';
import type { CpuPool, MatmulJob, MatmulResult, RowsJob } from './cpu-pool';

/** One of several walks over the same weights. */
export interface JointWalk {
  /** Names of the tensors that it will multiply, in order. */
  readonly tensors: readonly string[];
  /** Tokens of its dense products. */
  readonly nTokens: number;
}

/** The pool as one walk sees it. */
export interface JointMember extends CpuPool {
  /** The walk asks for nothing more: nobody waits for it. Safe to call twice. */
  leave(): void;
}

/** A call of `run` that waits for the other walks. */
interface Pending {
  readonly jobs: readonly MatmulJob[];
  readonly options: ReadOptions;
  resolve(results: readonly MatmulResult[]): void;
  reject(error: unknown): void;
}

interface Seat {
  readonly walk: JointWalk;
  /** Tensors that it has not asked for yet. */
  left: readonly string[];
  pending: Pending | undefined;
}

/**
 * Joins the products of walks that pass the same weights in the same order: a product waits until every walk that will multiply its tensor has
 * come there, and the rows of all of them are read and dequantised once. The same bits as apart: a row of x meets no other.
 * The pool stays the caller's to dispose.
 */
export function jointPool(pool: CpuPool, walks: readonly JointWalk[]): readonly JointMember[] {
  const seats = walks.map((walk): Seat => ({ walk, left: walk.tensors, pending: undefined }));
  const nTokens = walks.reduce((sum, walk) => sum + walk.nTokens, 0);

  const start = (seats: readonly Seat[]): void => {
    const calls = seats.flatMap((seat) => seat.pending ?? []);
    for (const seat of seats) seat.pending = undefined;
    void runTogether(pool, calls);
  };

  /** Starts the products that wait for nobody. */
  const settle = (): void => {
    for (const seat of seats) {
      const tensor = tensorOf(seat);
      if (tensor === undefined) continue;
      if (seats.some((other) => other.left.includes(tensor) && tensorOf(other) !== tensor)) continue;
      start(seats.filter((other) => tensorOf(other) === tensor));
    }
    // Walks of another order than each other's would wait for ever.
    const waiting = seats.find((seat) => seat.pending !== undefined);
    if (waiting !== undefined && seats.every((seat) => seat.pending !== undefined || seat.left.length === 0))
      start([waiting]);
  };

  return seats.map((seat): JointMember => ({
    run(jobs, options) {
      const tensor = jobs[0]?.tensor.name;
      if (tensor === undefined) return pool.run(jobs, options);
      const at = seat.left.indexOf(tensor);
      if (at >= 0) seat.left = seat.left.slice(at + 1);
      return new Promise((resolve, reject: (error: unknown) => void) => {
        seat.pending = { jobs, options, resolve, reject };
        settle();
      });
    },
    // Rows are cut for as many tokens as they will meet, so that what is read ahead is what is taken.
    expect: (jobs) => {
      pool.expect(jobs.map((job): RowsJob => (isStacked(job.tensor) ? job : { ...job, nTokens })));
    },
    leave() {
      seat.left = [];
      settle();
    },
    dispose: () => Promise.resolve(),
  }));
}

function tensorOf({ pending }: Seat): string | undefined {
  return pending?.jobs[0]?.tensor.name;
}

/** Experts: which of them meet how many tokens is known of each walk by itself. */
function isStacked({ dims }: WeightTensor): boolean {
  return dims.length > 2;
}

/** A job's rows of x within those of a joint job. */
interface Part {
  readonly job: MatmulJob;
  readonly call: number;
  readonly index: number;
}

/** Runs the calls as one, jobs of the same rows of weights as one job, and answers each. */
async function runTogether(pool: CpuPool, calls: readonly Pending[]): Promise<void> {
  const [first] = calls;
  if (first === undefined) return;
  try {
    if (calls.length === 1) {
      first.resolve(await pool.run(first.jobs, first.options));
      return;
    }
    const groups = new Map<string, Part[]>();
    for (const [call, { jobs }] of calls.entries()) {
      for (const [index, job] of jobs.entries()) {
        const key = `${job.firstRow} ${job.rows}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [{ job, call, index }]);
        else group.push({ job, call, index });
      }
    }
    // Magnitudes are those of the first rows of x.
    const parts = [...groups.values()].map((group) =>
      group.sort((a, b) => Math.min(1, b.job.magnitudes) - Math.min(1, a.job.magnitudes)),
    );
    const results = await pool.run(parts.map(joined), first.options);
    const answers = calls.map(({ jobs }) => new Array<MatmulResult>(jobs.length));
    for (const [g, group] of parts.entries()) {
      const result = results[g];
      let token = 0;
      for (const { job, call, index } of group) {
        const answer = answers[call];
        if (result !== undefined && answer !== undefined) answer[index] = partOf(result, job, token);
        token += job.nTokens;
      }
    }
    for (const [call, { resolve }] of calls.entries()) resolve(answers[call] ?? []);
  } catch (error) {
    for (const { reject } of calls) reject(error);
  }
}

function joined(parts: readonly Part[]): MatmulJob {
  const [{ job: first } = { job: undefined }] = parts;
  if (first === undefined) throw new Error('unreachable');
  if (parts.length === 1) return first;
  const nTokens = parts.reduce((sum, { job }) => sum + job.nTokens, 0);
  const x = new Float64Array(sharedBytes(parts.reduce((sum, { job }) => sum + job.x.byteLength, 0)));
  let at = 0;
  let magnitudes = 0;
  for (const { job } of parts) {
    x.set(job.x, at);
    at += job.x.length;
    if (job.magnitudes > 0) magnitudes += job.nTokens;
  }
  return { ...first, x, nTokens, magnitudes };
}

/** The rows of one job of those that were joined. */
function partOf(result: MatmulResult, { rows, nTokens, magnitudes }: MatmulJob, token: number): MatmulResult {
  return {
    y: result.y.subarray(token * rows, (token + nTokens) * rows),
    magnitudes: magnitudes === 0 ? undefined : result.magnitudes?.subarray(token * rows, (token + magnitudes) * rows),
  };
}
