import type { EngineId, Capture } from '../model/engine';
import type { GraphParameter } from '../model/graph-parameters';
import type { HParams } from '../model/hparams';
import { forwardOrder, locationKey } from '../model/location';

/**
 * How a trace came about. `free`: the engine fed itself. `isolated`: each stage of the candidate was fed the reference's input. `local`: each
 * stage of the reference was fed the candidate's own input, so that it holds what the candidate's free-running trace should.
 */
export const TRACE_MODES = ['free', 'isolated', 'local'] as const;
export type TraceMode = (typeof TRACE_MODES)[number];

/** Where a trace comes from. A foreign dump states only what it knows. */
export interface Provenance {
  readonly arm: EngineId;
  readonly mode: TraceMode;
  readonly modelName?: string;
  /** SHA-256 (hex) of the model's header bytes. */
  readonly headerSha256?: string;
  /** Adapter description, for a GPU engine. */
  readonly adapter?: string;
  readonly toolVersion?: string;
  /** The whole prompt; captures name the positions that they hold. */
  readonly tokens?: readonly number[];
  readonly hparams?: HParams;
  /** ggml type of each weight by GGUF name, so that a comparison of files can name what a live run names. */
  readonly weightTypes?: Readonly<Record<string, string>>;
  /** Faults that were put into this engine on purpose, as `--inject` takes them. */
  readonly inject?: readonly string[];
  /** Whose experts the engine used; absent: its own. */
  readonly routing?: 'reference';
  /** The order of sums that the bounds stand on; absent: any. */
  readonly sumOrder?: 'chunked';
  /** Decimals that the values were rounded to when they were printed; absent where they are whole. */
  readonly decimals?: number;
  /** Parameters of the engine's own graph (eps, RoPE, scale, clamp), where it tells them. */
  readonly parameters?: readonly GraphParameter[];
  /** What the run found out about wrong stages from the model file, by {@link locationKey}. */
  readonly hints?: Readonly<Record<string, string>>;
}

/** All captures of one engine, in forward order, by {@link locationKey}. */
export interface Trace {
  readonly provenance: Provenance;
  readonly captures: ReadonlyMap<string, Capture>;
  /**
   * Keys of captures whose file states only an element count, or holds one row of everything and no prompt: they are at position 0 until
   * `adoptLayout` finds better.
   */
  readonly unplaced: ReadonlySet<string>;
}

/** A trace of these captures; a later capture replaces an earlier one of the same layer and stage. */
export function createTrace(
  provenance: Provenance,
  captures: Iterable<Capture>,
  unplaced: ReadonlySet<string> = new Set(),
): Trace {
  const ordered = [...captures].sort(forwardOrder);
  return {
    provenance,
    captures: new Map(ordered.map((captured) => [locationKey(captured.layer, captured.stage), captured])),
    unplaced,
  };
}

/** Bytes of a trace's payloads, bounds included. */
export function traceBytes(trace: Trace): number {
  let bytes = 0;
  for (const captured of trace.captures.values()) bytes += captured.data.byteLength + (captured.bound?.byteLength ?? 0);
  return bytes;
}
