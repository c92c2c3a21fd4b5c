import type { ErrorData } from '../../base/errors';
import type { ModelOutline } from '../../gguf/model-over';
import type { MatmulJob } from './cpu-pool';

/** What the pool tells a worker. Plain data. */
export type ToWorker =
  /** Comes first, and only to workers that read by themselves. */
  | { readonly type: 'open'; readonly outline: ModelOutline }
  | UnitMessage
  | { readonly type: 'cancel'; readonly ids: readonly number[] };

/** Rows to multiply. `x` is shared or transferred. */
export interface UnitMessage extends MatmulJob {
  readonly type: 'unit';
  readonly id: number;
  /** The rows as the file holds them, transferred; undefined where the worker reads them. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** What a worker answers. Each unit is answered once, by `done` or `failed`. */
export type FromWorker =
  | {
      readonly type: 'done';
      readonly id: number;
      /** (nTokens, rows), transferred. */
      readonly y: Float64Array<ArrayBuffer>;
      /** (magnitudes, rows), transferred; undefined when none were asked for. */
      readonly magnitudes: Float64Array<ArrayBuffer> | undefined;
    }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorData };

/** A worker seen from the pool; `browser-worker.ts` and `node-worker.ts` make them. */
export interface WorkerLike<To = ToWorker, From = FromWorker> {
  post(message: To, transfer: readonly ArrayBuffer[]): void;
  /** Called once. `onCrash` reports that the worker died or could not start. */
  listen(onMessage: (message: From) => void, onCrash: (reason: string) => void): void;
  terminate(): Promise<void>;
}

/** The pool seen from a worker. */
export interface WorkerPort<To = ToWorker, From = FromWorker> {
  post(message: From, transfer: readonly ArrayBuffer[]): void;
  listen(onMessage: (message: To) => void): void;
}
