import type { ErrorData } from '../base/errors';
import type { RunOutcome } from './shard-result';

/** How one run of the suite ended on one adapter. */
export interface MergedRun {
  readonly id: string;
  /** The adapter's name as {@link adapterLabel} says it; absent where the run never ended. */
  readonly adapter?: string;
  readonly status: 'pass' | 'fail' | 'error' | 'lost';
  /** One line for people. */
  readonly sentence: string;
  /** Attempts that failed before the last. */
  readonly retried: readonly ErrorData[];
  readonly outcome?: RunOutcome;
}
