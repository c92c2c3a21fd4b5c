import type { ErrorData } from '../../base/errors';
import type { WorkerLike, WorkerPort } from '../../cpu/pool/protocol';
import type { ModelOutline } from '../../gguf/model-over';
import type { HParams } from '../../model/hparams';
import type { StepJudged, StepWork } from './step-work';

/** What a thread that judges is told. */
export type ToJudge =
  | { readonly type: 'open'; readonly outline: ModelOutline; readonly hparams: HParams }
  | { readonly type: 'judge'; readonly tokens: Uint32Array<ArrayBuffer>; readonly work: StepWork };

/** What it answers: once for each `judge`. */
export type FromJudge =
  { readonly type: 'judged'; readonly judged: StepJudged } | { readonly type: 'failed'; readonly error: ErrorData };

export type JudgeWorker = WorkerLike<ToJudge, FromJudge>;
export type JudgePort = WorkerPort<ToJudge, FromJudge>;
