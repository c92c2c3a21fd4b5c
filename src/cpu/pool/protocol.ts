import type { ErrorData } from '../../base/errors';
import type { ModelOutline } from '../../gguf/model-over';
import type { WeightTensor } from '../../model/weights';

/** What the pool tells a worker. Plain data. */
export type ToWorker =
  /** Comes first, and only to workers that read by themselves. */
  | { readonly type: 'open'; readonly outline: ModelOutline }
  | {
      readonly type: 'unit';
      readonly id: number;
      readonly tensor: WeightTensor;
      readonly rows: number;
      /** Raw weight bytes of the rows, transferred; or where they are in the tensor. */
      readonly weights: Uint8Array<ArrayBuffer> | ByteRange;
      /** (nTokens, nIn), shared or transferred. */
      readonly x: Float64Array<ArrayBufferLike>;
      readonly nTokens: number;
      /** Rows of x, from the first, whose magnitudes are wanted. */
      readonly magnitudes: number;
    }
  | { readonly type: 'cancel'; readonly ids: readonly number[] };

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
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
