import { compileFunction } from 'node:vm';

/** A place in a file of tests, as Node runs it: Playwright finds the place in its source by this name. */
export interface Place {
  /** A path, or the URL of a module. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * Where the function that calls this was called from: the user's file of tests.
 * @param own the function itself, whose caller is meant
 */
export function callerOf(own: (...args: never[]) => unknown): Place | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, frames) => frames;
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, own);
    const [frame] = Array.isArray(holder.stack) ? (holder.stack as readonly NodeJS.CallSite[]) : [];
    const name = frame?.getFileName();
    if (frame === undefined || typeof name !== 'string') return undefined;
    return { file: name, line: frame.getLineNumber() ?? 1, column: frame.getColumnNumber() ?? 1 };
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const HEAD = 'return ';

/**
 * Calls a function so that it takes `place` for its caller. Playwright files a test under the file that called `test`; called from this package it would be
 * filed under node_modules, where no path argument of the command line finds it.
 */
export function callAt(
  place: Place | undefined,
  declare: (...args: never[]) => unknown,
  ...args: readonly unknown[]
): void {
  if (place === undefined) {
    Reflect.apply(declare, undefined, args);
    return;
  }
  const call: unknown = compileFunction(`${HEAD}declare(...args)`, ['declare', 'args'], {
    filename: place.file,
    lineOffset: place.line - 1,
    columnOffset: Math.max(0, place.column - 1 - HEAD.length),
  });
  if (typeof call === 'function') Reflect.apply(call, undefined, [declare, args]);
}
