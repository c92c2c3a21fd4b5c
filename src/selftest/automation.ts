import type { ErrorData } from '../base/errors';
import type { SelftestReport } from './selftest-report';

/** What the self-test page offers to a script that drives it. */
export interface SelftestAutomation {
  /** Resolves when the self-test has ended: its report, or why there is none. Never rejects. */
  outcome(): Promise<SelftestReport | ErrorData>;
}

declare global {
  interface Window {
    /** On `/?selftest` only. */
    moescopeSelftest?: SelftestAutomation;
  }
}
