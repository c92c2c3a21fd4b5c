import type { StageId } from '../../src/model/stages';
import type { RunSpec } from '../../src/session/events';

/** A captured tensor as it crosses from the page to the test: little-endian f32 (u32 for expert ids), base64. */
export interface HarnessCapture {
  readonly folder: string;
  readonly stage: StageId;
  readonly layer?: number;
  readonly shape: readonly number[];
  readonly base64: string;
}

export interface HarnessRun {
  readonly captures: readonly HarnessCapture[];
  readonly sentence: string;
  readonly status: string;
  readonly adapter: string;
  readonly isSoftware: boolean;
  /** Largest isolated error / bound of the run. */
  readonly worst: number;
  /** Isolated comparisons that were judged. */
  readonly isolated: number;
}

declare global {
  interface Window {
    harness: {
      /** Opens the model at `url` in place of the one before; the device and its compiled pipelines serve all of them. */
      open(url: string): Promise<void>;
      trace(spec: RunSpec, keepCaptures: boolean): Promise<HarnessRun>;
    };
  }
}
