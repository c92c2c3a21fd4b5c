import type { GpuCounts, GpuMeter } from '../gpu/bench/meter';
import type { StageId } from '../model/stages';
import type { BenchEngine } from './bench-engine';
import type { TraceCost } from './bench-report';
import type { FastDecode } from './fast-decode';

/** How decoding is timed: token by token through an engine, or in runs of tokens that follow each other on the GPU. */
export interface DecodeTimer {
  /** One token that nobody times; the capture as in `both`. */
  one(capture: readonly StageId[]): Promise<void>;
  /** Times `count` tokens without a capture and as many with it, in turns, so that what drifts strikes both. */
  both(count: number, capture: readonly StageId[], signal: AbortSignal | undefined): Promise<DecodeTimes>;
}

export interface DecodeTimes {
  /** Milliseconds of each token. */
  readonly plain: readonly number[];
  readonly traced: readonly number[];
  /** The same as turns that follow each other: milliseconds of a run without a capture, and of one of as many tokens with it. */
  readonly turns: readonly Turn[];
  /** Of tokens without a capture; empty without a device. */
  readonly counts: readonly GpuCounts[];
  /** Read from the file for tokens without a capture. */
  readonly fileBytes: number;
  /** Milliseconds that stand for a token: the middle one of tokens that wait for each other, the mean of those that overlap. */
  perToken(ms: readonly number[]): number;
}

export interface Turn {
  readonly plain: number;
  readonly traced: number;
}

export interface DecodeStart {
  readonly token: number;
  readonly nPast: number;
  readonly meter: GpuMeter | undefined;
  readonly bytesRead: () => number;
}

/** Each token alone, each second one traced. */
export function engineTimer(engine: BenchEngine, start: DecodeStart): DecodeTimer {
  let { token, nPast } = start;
  const { meter, bytesRead } = start;
  const decode = async (capture: readonly StageId[], signal?: AbortSignal): Promise<number> => {
    const started = performance.now();
    token = await engine.run([token], nPast++, { capture, signal });
    return performance.now() - started;
  };
  return {
    one: async (capture) => {
      await decode(capture);
    },
    async both(count, capture, signal) {
      const plain: number[] = [];
      const traced: number[] = [];
      const counts: GpuCounts[] = [];
      let fileBytes = 0;
      for (let i = 0; i < count; i++) {
        meter?.take();
        const before = bytesRead();
        plain.push(await decode([], signal));
        fileBytes += bytesRead() - before;
        if (meter !== undefined) counts.push(meter.take());
        traced.push(await decode(capture, signal));
      }
      meter?.detach();
      const turns = plain.map((ms, i) => ({ plain: ms, traced: traced[i] ?? NaN }));
      return { plain, traced, turns, counts, fileBytes, perToken: median };
    },
  };
}

/** Tokens that follow each other before the other kind has its turn: long enough that filling the GPU's queue anew hardly counts. */
const RUN = 32;
/** Tokens until as many are under way as ever will be. */
const FILLING = 4;
/** Fewest turns of each kind, where there are that many tokens: less has no quartiles. */
const FEWEST_TURNS = 8;
/** Most tokens of each kind that are not timed: the first hundred that are captured meet code that is still interpreted, too. */
const WARM = 128;

/** Runs of tokens that the decoder makes by itself, several under way at a time: as text is generated. */
export function decoderTimer({ decoder, keys }: FastDecode, start: DecodeStart): DecodeTimer {
  let { token, nPast } = start;
  const { meter, bytesRead } = start;
  const captures = new Map<readonly StageId[], { readonly stages: readonly StageId[] } | undefined>();
  /** The same object for the same capture: the decoder writes its parameters anew only when it changes. */
  const captureOf = (stages: readonly StageId[]): { readonly stages: readonly StageId[] } | undefined => {
    if (!captures.has(stages)) captures.set(stages, stages.length === 0 ? undefined : { stages });
    return captures.get(stages);
  };
  const run = async (
    count: number,
    stages: readonly StageId[],
    signal?: AbortSignal,
  ): Promise<{ readonly times: readonly number[]; readonly last: number }> => {
    const times: number[] = [];
    let before = performance.now();
    const onToken = (): boolean => {
      const now = performance.now();
      times.push(now - before);
      before = now;
      return false;
    };
    const capture = captureOf(stages);
    const made = await decoder.generate(token, nPast, { count, capture, onToken, lends: true, signal });
    return { times, last: made.at(-1)?.token ?? token };
  };
  const NOTHING: readonly StageId[] = [];
  return {
    one: async (capture) => {
      await run(1, capture.length === 0 ? NOTHING : capture);
    },
    async both(count, capture, signal) {
      await decoder.prepareFor(nPast, count + RUN);
      meter?.take();
      await run(1, NOTHING, signal);
      const counts = meter === undefined ? [] : [meter.take()];
      // Every token is like this one; what follows is timed without a counter in front of each call.
      meter?.detach();
      // The first tokens behind the counter are recorded by code that is still interpreted.
      const warm = Math.min(WARM, count);
      await run(warm, NOTHING, signal);
      await run(warm, capture, signal);
      const plain: number[] = [];
      const traced: number[] = [];
      let fileBytes = 0;
      const turns: Turn[] = [];
      const length = Math.max(1, Math.min(RUN, Math.floor(count / FEWEST_TURNS)));
      for (let left = count; left > 0; left -= length) {
        const next = Math.min(length, left);
        const before = bytesRead();
        const bare = await run(next, NOTHING, signal);
        plain.push(...steady(bare.times));
        fileBytes += bytesRead() - before;
        // The same tokens at the same positions again.
        const captured = await run(next, capture, signal);
        traced.push(...steady(captured.times));
        if (next === length) turns.push({ plain: mean(steady(bare.times)), traced: mean(steady(captured.times)) });
        token = bare.last;
        nPast += next;
        keys.keep(nPast);
      }
      return { plain, traced, turns, counts, fileBytes, perToken: mean };
    },
  };
}

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return (low + high) / 2;
}

/** The value below which this share of the others lies; NaN of none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? NaN;
}

/** What a capture costs by turns: each run with it against the run without it beside it, so that what drifts strikes both. */
export function traceCostOf(turns: readonly Turn[]): TraceCost {
  const shares = turns.map(({ plain, traced }) => traced / plain - 1);
  const alone = turns.map(({ plain }) => plain);
  const middle = median(alone);
  return {
    share: median(shares),
    pairs: turns.length,
    spread: [quantile(shares, 0.25), quantile(shares, 0.75)],
    noise: (quantile(alone, 0.75) - quantile(alone, 0.25)) / 2 / middle,
  };
}

/** The times of a run without those that filled the GPU's queue; all of a run that is hardly longer. */
function steady(times: readonly number[]): readonly number[] {
  return times.length > 2 * FILLING ? times.slice(FILLING) : times;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
