import type { BenchChoice } from '../session/bench-choice';
import type { BenchReport } from '../session/bench-report';
import type { EngineClient } from '../worker/client-types';

export { benchFacts, percent, rate } from '../session/bench-facts';
export type { BenchChoice } from '../session/bench-choice';
export type { BenchReport } from '../session/bench-report';

export interface BenchActions {
  /** Measures the opened model. @throws TracerError those of `EngineClient.bench` */
  bench(choice: BenchChoice, onPhase: (phase: string) => void): Promise<BenchReport>;
  /** Ends a benchmark. */
  endBench(): Promise<void>;
  /** Puts the report on the clipboard, as `moescope bench --json` writes it. */
  copyBench(report: BenchReport): Promise<void>;
}

export function benchActions(client: EngineClient, copyText: (text: string) => Promise<void>): BenchActions {
  return {
    bench: (choice, onPhase) => client.bench(choice, onPhase),
    endBench: () => client.cancel(),
    copyBench: (report) => copyText(`${JSON.stringify(report, undefined, 2)}\n`),
  };
}
