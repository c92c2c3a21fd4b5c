import type { SelftestReport, SelftestRow } from './selftest-report';
import type { SelftestChoice } from './select-cases';

/** What the page asks for. */
export interface SelftestOrder extends SelftestChoice {
  /** Also what a software adapter leaves out. */
  readonly everything: boolean;
}

/** What the page asks of the self-test: `src/worker/` runs it in a Web Worker. Promises reject with a `TracerError`. */
export interface SelftestClient {
  /** @throws TracerError `gpu-unavailable`, `gpu-lost`, `usage`, `run-cancelled` */
  run(order: SelftestOrder, onRow: (row: SelftestRow, done: number, total: number) => void): Promise<SelftestReport>;
  /** Ends the run after the current case. */
  cancel(): void;
}
