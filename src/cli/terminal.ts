import type { ErrorData } from '../base/errors';

/** Where a command writes: the process's own streams, or a test's. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** Standard error is a terminal: progress may rewrite its line. */
  readonly isInteractive: boolean;
  /** Columns of standard error. */
  readonly columns: number;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stderr.isTTY,
    columns: process.stderr.columns || 80,
  };
}

/** A failure for people: code and message, what was expected and found, what to do. No stack, except for a defect of ours. */
export function errorText(error: ErrorData): string {
  const details = Object.entries(error.detail).map(([name, value]) => `  ${name}: ${String(value)}\n`);
  return `error ${error.code}: ${error.message}\n${details.join('')}  ${error.remedy}\n`;
}
