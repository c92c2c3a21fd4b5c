import type { SharedView } from '../share/shared-view';
import type { TraceMode } from '../trace/trace';

export interface CompareChoice {
  /** What only one holds is left out instead of reported as missing. */
  readonly common: boolean;
  /** Compare although models or tokens differ. */
  readonly force: boolean;
}

/** A picture or report file and what it holds. */
export interface NamedView {
  readonly file: string;
  readonly shared: SharedView;
}

export interface ReadResult {
  /** What the files add to what can be compared. */
  readonly traces: readonly TraceCard[];
  /** What was shared as pictures or reports, in the order of the drop. */
  readonly views: readonly NamedView[];
  /** Files that are no part of a trace. */
  readonly ignored: readonly string[];
}

/** One engine of a trace, told by what it says of itself. */
export interface TraceCard {
  readonly id: string;
  /** The file or folder; undefined: the last run. */
  readonly file: string | undefined;
  readonly engine: string;
  readonly modes: readonly TraceMode[];
  readonly model: string | undefined;
  readonly headerSha256: string | undefined;
  readonly nTokens: number | undefined;
  readonly layers: number;
  readonly tensors: number;
  readonly bytes: number;
}

export const TENSOR_FILES = ['npz', 'aprt'] as const;
export type TensorFileFormat = (typeof TENSOR_FILES)[number];
