import type { ErrorData } from '../base/errors';
import type { SelftestReport } from './selftest-report';

/** What the page of the self-test offers to whoever drives it. */
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
