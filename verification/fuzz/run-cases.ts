import { measured, type Cost } from './meter';
import { TracerError } from '../../src/base/errors';
import { caseNumber, type FuzzCase, type FuzzTarget } from './target';

/** The longest that a case may take. Milliseconds; the slowest of several tries does not count, the machine may have been busy. */
export const LONGEST_MS = 100;
const TRIES = 4;
/** Messages are read by people. Characters. */
const LONGEST_MESSAGE = 2000;

/** What a stretch of cases came to. Joined by {@link joinTallies}. */
export interface Tally {
  readonly cases: number;
  readonly read: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Longest case, milliseconds (the least of its tries where it was tried again). */
  readonly worstMs: number;
  /** Most bytes of buffers and of heap beyond none, in one case. */
  readonly worstBuffers: number;
  /** Of the same case. */
  readonly worstBuffersSize: number;
  /** Most bytes of buffers for each byte of an input of at least a kilobyte. */
  readonly worstBuffersPerByte: number;
  readonly worstHeap: number;
  readonly failures: readonly Failure[];
  /** Wall time of all of it, seconds. */
  readonly seconds: number;
}

export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly number: number;
  readonly how: string;
  readonly why: string;
}

export const NO_CASES: Tally = {
  cases: 0,
  read: 0,
  refused: {},
  worstMs: 0,
  worstBuffers: 0,
  worstBuffersSize: 0,
  worstBuffersPerByte: 0,
  worstHeap: 0,
  failures: [],
  seconds: 0,
};

/** Reads the cases `from` to `to` (excluded) of a target. `before` is told each number first, so that a hang has a name. */
export async function runCases(
  target: FuzzTarget,
  seed: number,
  from: number,
  to: number,
  before: (n: number) => void = () => undefined,
): Promise<Tally> {
  const refused: Record<string, number> = {};
  const failures: Failure[] = [];
  const started = performance.now();
  let read = 0;
  let worstMs = 0;
  let worstBuffers = 0;
  let worstBuffersSize = 0;
  let worstBuffersPerByte = 0;
  let worstHeap = 0;
  for (let n = from; n < to; n++) {
    before(n);
    const one = caseNumber(target, seed, n);
    let result = await once(one);
    for (let again = 1; again < TRIES && isSuspect(target, one, result.cost); again++) {
      result = lesser(result, await once(one));
    }
    const { cost, error } = result;
    if (error === undefined) read++;
    else if (error instanceof TracerError) refused[error.code] = (refused[error.code] ?? 0) + 1;
    worstMs = Math.max(worstMs, cost.ms);
    if (cost.buffers > worstBuffers) {
      worstBuffers = cost.buffers;
      worstBuffersSize = one.size;
    }
    if (one.size >= 1024) worstBuffersPerByte = Math.max(worstBuffersPerByte, cost.buffers / one.size);
    worstHeap = Math.max(worstHeap, cost.heap ?? 0);
    const why = wrong(target, one, result);
    if (why !== undefined) failures.push({ target: target.name, seed, number: n, how: one.how, why });
  }
  return {
    cases: to - from,
    read,
    refused,
    worstMs,
    worstBuffers,
    worstBuffersSize,
    worstBuffersPerByte,
    worstHeap,
    failures,
    seconds: (performance.now() - started) / 1000,
  };
}

interface Result {
  readonly error: unknown;
  readonly cost: Cost;
}

async function once(one: FuzzCase): Promise<Result> {
  const { value: error, cost } = await measured(async (): Promise<unknown> => {
    try {
      await one.read();
      return undefined;
    } catch (thrown) {
      return thrown ?? new Error('undefined was thrown');
    }
  });
  return { error, cost };
}

function lesser(a: Result, b: Result): Result {
  const heap = Math.min(a.cost.heap ?? Infinity, b.cost.heap ?? Infinity);
  return {
    error: b.error,
    cost: {
      ms: Math.min(a.cost.ms, b.cost.ms),
      buffers: Math.min(a.cost.buffers, b.cost.buffers),
      heap: heap === Infinity ? undefined : heap,
    },
  };
}

function longest({ longestMs = LONGEST_MS }: FuzzTarget): number {
  return longestMs;
}

/** Half of the limit: the least of several tries is what is recorded. */
function isSuspect(target: FuzzTarget, one: FuzzCase, cost: Cost): boolean {
  return cost.ms > longest(target) / 2 || (cost.heap ?? 0) > allowed(target.allows.heap, one) / 2;
}

function allowed([perByte, fixed]: readonly [number, number], { size }: FuzzCase): number {
  return perByte * size + fixed;
}

/** What is wrong with how a case was read; undefined when nothing is. */
function wrong(target: FuzzTarget, one: FuzzCase, { error, cost }: Result): string | undefined {
  if (error !== undefined) {
    if (!(error instanceof TracerError)) {
      return `threw ${error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error)}`;
    }
    if (!target.codes.includes(error.code)) return `refused with ${error.code}: ${error.message.slice(0, 200)}`;
    if (error.message === '' || error.remedy === '') return `refused without a word (${error.code})`;
    if (error.message.length > LONGEST_MESSAGE) return `a message of ${error.message.length} characters`;
  }
  if (cost.ms > longest(target)) return `took ${cost.ms.toFixed(0)} ms`;
  const buffers = allowed(target.allows.buffers, one) + (one.beside ?? 0);
  if (cost.buffers > buffers) return `${cost.buffers} bytes of buffers for an input of ${one.size}`;
  const heap = allowed(target.allows.heap, one);
  if ((cost.heap ?? 0) > heap) return `${cost.heap ?? 0} bytes of heap for an input of ${one.size}`;
  return undefined;
}

export function joinTallies(a: Tally, b: Tally): Tally {
  const refused: Record<string, number> = { ...a.refused };
  for (const [code, count] of Object.entries(b.refused)) refused[code] = (refused[code] ?? 0) + count;
  const larger = a.worstBuffers >= b.worstBuffers ? a : b;
  return {
    cases: a.cases + b.cases,
    read: a.read + b.read,
    refused,
    worstMs: Math.max(a.worstMs, b.worstMs),
    worstBuffers: larger.worstBuffers,
    worstBuffersSize: larger.worstBuffersSize,
    worstBuffersPerByte: Math.max(a.worstBuffersPerByte, b.worstBuffersPerByte),
    worstHeap: Math.max(a.worstHeap, b.worstHeap),
    failures: [...a.failures, ...b.failures],
    seconds: a.seconds + b.seconds,
  };
}
