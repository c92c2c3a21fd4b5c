import type { Capture } from '../../model/engine';
import type { FinishedRun } from '../../session/trace-of-run';

/** Where captured tensors go. Each is written as soon as it is there, so that a run of any size needs no more memory. */
export interface TensorSaver {
  /** @param folder the engine's: `gpu`, `gpu-isolated`, `cpu` */
  save(folder: string, captured: Capture): Promise<void>;
  /** Writes what says where the tensors come from: `trace.json` with provenance, positions and shapes. */
  finish(run: FinishedRun): Promise<void>;
  /** Closes files that are still open, and drops what is not finished. Safe to call twice. */
  close(): Promise<void>;
}
