import type { ErrorData } from '../../base/errors';
import type { WorkerLike, WorkerPort } from '../../cpu/pool/protocol';
import type { ModelOutline } from '../../gguf/model-over';
import type { ReferenceStep, StepOptions, StepResult } from '../../model/engine';
import type { HParams } from '../../model/hparams';

/** Options of a step without what no message carries. */
export type SentOptions = Omit<StepOptions, 'signal'>;

/** A step that the engine is asked for; `layer` undefined: the whole-model stages. */
export type ReferenceCall =
  | {
      readonly step: 'begin';
      readonly tokens: Uint32Array<ArrayBuffer>;
      readonly nPast: number;
      readonly options: SentOptions;
    }
  | { readonly step: 'advance'; readonly layer: number | undefined; readonly options: SentOptions }
  | {
      readonly step: 'isolate';
      readonly layer: number | undefined;
      readonly reference: ReferenceStep;
      readonly options: SentOptions;
    }
  | {
      readonly step: 'advance and isolate';
      readonly layer: number | undefined;
      readonly options: SentOptions;
      readonly reference: ReferenceStep;
      readonly isolated: SentOptions;
    };

/** What the thread is told. */
export type ToReference =
  | { readonly type: 'open'; readonly outline: ModelOutline; readonly hparams: HParams }
  | { readonly type: 'call'; readonly id: number; readonly call: ReferenceCall }
  | { readonly type: 'cancel'; readonly id: number };

/** What it answers: `done` or `failed` once for each call, and in between what was read. */
export type FromReference =
  | { readonly type: 'read'; readonly tensor: string; readonly bytes: number }
  /** One result a step of the call. */
  | { readonly type: 'done'; readonly id: number; readonly results: readonly StepResult[] }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorData };

export type ReferenceWorker = WorkerLike<ToReference, FromReference>;
export type ReferencePort = WorkerPort<ToReference, FromReference>;
