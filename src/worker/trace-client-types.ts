import type { Report } from '../divergence/report';
import type { PageSource } from './page-source';
import type { SharedView } from '../share/shared-view';

/** The part of the engine that reads and compares saved traces; tensors stay in the worker, the page holds names. */
export interface TraceClient {
  /**
   * Reads files that hold traces (APRT tree or ZIP, NPZ, trace JSON, CSV, arrays by their ggml names; loose tensors of one drop belong
   * together), or a picture or report with a view in it. All or nothing.
   * @throws TracerError `trace-format`, `source-read`
   */
  readTraceFiles(files: readonly PageSource[]): Promise<ReadResult>;
  /** What can be compared: the last run's arms, and what was read, in that order. */
  traces(): Promise<readonly TraceCard[]>;
  /** Compares two of them as a live run compares its arms; `b` is the reference. @throws TracerError `trace-mismatch` */
  compareTraces(a: string, b: string, options: CompareChoice): Promise<Report>;
  /** The last run's tensors, as far as they were kept, as one file. @throws TracerError `usage` (nothing kept), `trace-format` (too large) */
  saveTensors(format: TensorFileFormat, withPrompt: boolean): Promise<Blob>;
}

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

/** One arm of a trace, told by what it says of itself. */
export interface TraceCard {
  readonly id: string;
  /** The file or folder; undefined: the last run. */
  readonly file: string | undefined;
  readonly arm: string;
  readonly modes: readonly ('free' | 'isolated')[];
  readonly model: string | undefined;
  readonly headerSha256: string | undefined;
  readonly nTokens: number | undefined;
  readonly layers: number;
  readonly tensors: number;
  readonly bytes: number;
}

export const TENSOR_FILES = ['npz', 'aprt'] as const;
export type TensorFileFormat = (typeof TENSOR_FILES)[number];
