/**
 * Every failure that a person can meet has a code from this table; nothing dispatches on message text.
 * The part before the first dash names the area.
 */
export const ERROR_CODES = [
  // Files
  'gguf-not-gguf',
  'gguf-version',
  'gguf-big-endian',
  'gguf-truncated',
  'gguf-malformed',
  'gguf-limit',
  'gguf-architecture',
  'gguf-missing-key',
  'gguf-missing-tensor',
  'gguf-tensor-shape',
  'gguf-tensor-type',
  'gguf-unsupported',
  'gguf-split',
  'source-read',
  'source-changed',
  'source-range',
  // Tokens and prompts
  'tokenizer-unsupported',
  'tokenizer-malformed',
  'prompt-empty',
  'prompt-length',
  'prompt-token',
  'chat-template',
  // What to capture
  'plan-stage',
  'plan-range',
  // Faults on purpose
  'fault-spec',
  // Engines
  'gpu-unavailable',
  'gpu-adapter',
  'gpu-limit',
  'gpu-shader',
  'gpu-lost',
  'gpu-validation',
  'gpu-memory',
  'cpu-worker',
  'exact-gpu',
  'engine-missing',
  'engine-layout',
  'engine-failed',
  // Runs and traces
  'run-cancelled',
  'run-busy',
  'trace-format',
  'trace-mismatch',
  'baseline-mismatch',
  'suite-format',
  'suite-mismatch',
  'usage',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The plain-data form of a {@link TracerError}; survives structured cloning. */
export interface ErrorData {
  readonly code: ErrorCode;
  /** One sentence: what is wrong and where. */
  readonly message: string;
  /** Expected and actual, names and numbers, for people and machines. */
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  /** What the person can do about it. */
  readonly remedy: string;
}

/** The one error type that crosses module boundaries: code, place, expected and actual, remedy. */
export class TracerError extends Error implements ErrorData {
  readonly code: ErrorCode;
  readonly detail: ErrorData['detail'];
  readonly remedy: string;

  constructor(data: ErrorData, options?: ErrorOptions) {
    super(readable(data.message), options);
    this.name = 'TracerError';
    this.code = data.code;
    this.detail = Object.fromEntries(
      Object.entries(data.detail).map(([key, value]) => [key, typeof value === 'string' ? readable(value) : value]),
    );
    this.remedy = data.remedy;
  }
}

/** Characters of a text that a person is shown: names and values that a message repeats may be megabytes long in a hostile file. */
const LONGEST_TEXT = 1000;
/** Of a longer one: what a sentence begins and ends with says most of it. */
const HEAD = 700;
const TAIL = 150;

function readable(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, HEAD)} ... (${text.length - HEAD - TAIL} characters left out) ... ${text.slice(-TAIL)}`;
}

/** Shorthand for `throw fail(...)`. */
export function fail(
  code: ErrorCode,
  message: string,
  remedy: string,
  detail: ErrorData['detail'] = {},
  cause?: unknown,
): TracerError {
  return new TracerError({ code, message, detail, remedy }, cause === undefined ? undefined : { cause });
}

/**
 * Why something failed, in words. The file system's own messages lose code, call and path (`ENOENT: no such file or directory, open 'x'`): what is
 * made of them names the place.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (code === '' || !error.message.startsWith(`${code}: `)) return error.message;
  return error.message.slice(code.length + 2).replace(/, \w+(?: '.*)?$/s, '');
}

/** What a function gives, or why it fails. */
export function attempt<T>(
  make: () => T,
): { readonly value: T; readonly error: undefined } | { readonly value: undefined; readonly error: ErrorData } {
  try {
    return { value: make(), error: undefined };
  } catch (error) {
    return { value: undefined, error: toErrorData(error) };
  }
}

/** Any thrown value as plain data. What is not a {@link TracerError} becomes `run-cancelled` (AbortError) or `internal`. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof TracerError) {
    return { code: error.code, message: error.message, detail: error.detail, remedy: error.remedy };
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'run-cancelled', message: 'The run was cancelled.', detail: {}, remedy: 'Run it again.' };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: 'internal',
    message,
    detail: error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {},
    remedy: 'This is a defect in MoEscope. Please report it with the file and the steps.',
  };
}
