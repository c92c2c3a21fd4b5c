import type { Yielder } from './yielder';

/** Work in pieces of a few milliseconds. The caller may do something else at each `yield`; the result does not depend on how often. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** Values that a piece takes: a few milliseconds of the dearest pass over them. */
export const PIECE_VALUES = 2 ** 16;

/** All pieces, one after another. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}

/** All pieces, with looks at the event loop and the abort signal between them. @throws TracerError `run-cancelled` */
export async function withPauses<T>(work: Pieces<T>, pause: Yielder): Promise<T> {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
    if (pause.due()) await pause.yieldToEventLoop();
  }
}

/** Calls `part` for ranges of about {@link PIECE_VALUES} values until `length` is reached; every range but the last is whole rows of `width`. */
export function* inPieces(length: number, width: number, part: (from: number, to: number) => void): Pieces<void> {
  const rows = Math.max(1, Math.floor(PIECE_VALUES / Math.max(1, width)));
  const step = rows * Math.max(1, width);
  for (let from = 0; from < length; from += step) {
    if (from > 0) yield;
    part(from, Math.min(length, from + step));
  }
}
