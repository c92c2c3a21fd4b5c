import type { ErrorData } from '../base/errors';
import type { Report } from '../divergence/report';
import type { SlicePlace } from '../divergence/capture-slice';
import type { RunSpec } from '../session/events';
import type { GeneratedToken, GenerateEnd } from '../session/generate';
import type { CaptureAnswer } from '../session/capture-inspector';

/** A finished run whose tensors and keys and values the engine still holds. */
export interface Traced {
  readonly report: Report;
  readonly spec: RunSpec;
}

/** What is known of the tensors at the place in hand. */
export interface Inspection {
  readonly place: SlicePlace;
  /** Undefined while the engine is asked. */
  readonly answer: CaptureAnswer | undefined;
  /** The layers up to it run again. */
  readonly fetching: boolean;
  readonly error: ErrorData | undefined;
}

/** A greedy continuation of a finished run. */
export interface Continuation {
  /** The run that it continues. */
  readonly report: Report;
  readonly tokens: readonly GeneratedToken[];
  readonly running: boolean;
  /** Why it stopped; undefined while it runs, and after a cancel. */
  readonly end: GenerateEnd | undefined;
  readonly error: ErrorData | undefined;
}
