import type { TracerError } from '../base/errors';
import type { AdapterCard } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { Engine, IsolatingEngine, Capture } from '../model/engine';
import type { Fault } from '../model/faults';
import type { HParams } from '../model/hparams';
import type { LiveEngine } from '../model/live';
import type { ReportParts } from './build-report';
import type { RunSpec, SessionEvent } from './events';
import type { FastDecode, NoFastDecode } from './fast-decode';
import type { JudgePool } from './judging/judge-pool';
import type { ProgressMeter } from './progress';

/** Both sides of the comparison, opened and ready; either may be absent when the spec does not ask for it. */
export interface SessionEngines {
  /** The candidate. One that cannot be fed runs free. */
  readonly a?: (Engine & Partial<IsolatingEngine> & Partial<Pick<LiveEngine, 'facts'>>) | undefined;
  /** The reference. Local errors are taken against one that is exact and can be fed. */
  readonly b?: (Engine & Partial<IsolatingEngine>) | undefined;
  /** The reference with quantised activations, which tells the arithmetic of a candidate that is none of this program's f32 engines. */
  readonly quantised?: IsolatingEngine | undefined;
}

/** What a run hands a captured tensor to, with its engine's folder. */
export type CaptureHandler = (folder: string, captured: Capture) => void | Promise<void>;

export interface SessionInput {
  readonly spec: RunSpec;
  /** To look into what is wrong; the engines read their own. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly engines: SessionEngines;
  /** What was put into the candidate on purpose. */
  readonly faults?: readonly Fault[];
  /** Threads that judge whole layers, where there are any. */
  readonly judges?: JudgePool | undefined;
  readonly meter: ProgressMeter;
  readonly adapter: AdapterCard | undefined;
  /** Everything of the report that the run itself does not know. */
  readonly parts: ReportParts;
  readonly onEvent: (event: SessionEvent) => void;
  /** Every planned capture, by its engine's folder (`gpu`, `gpu-isolated`, `cpu`, `cpu-ggml`); for saving and for the inspector. */
  readonly onCapture?: CaptureHandler | undefined;
  /** The exact values of the candidate's own inputs, with their bounds, by the reference's folder (`cpu-local`): what `onCapture` has of it is held to them. */
  readonly onLocalCapture?: CaptureHandler | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Opens the fast decoder on the weights and keys of the candidate, or says why there is none. Absent: it has none. */
  readonly openDecoder?: (() => Promise<FastDecode | NoFastDecode>) | undefined;
  /**
   * The candidate's device is lost: a new engine of it, once someone wants to go on from the last finished layer. Rejects to end
   * the run. Absent: the run ends.
   */
  readonly reopen?: ((error: TracerError, layersDone: number) => Promise<IsolatingEngine>) | undefined;
}
