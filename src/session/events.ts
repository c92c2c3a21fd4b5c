import type { ErrorData } from '../base/errors';
import type { RunEngineId } from '../model/engines';
import type { LiveOptions } from '../model/live';
import type { DecoderChoice } from './decoded-by';
import type { AdapterCard, Report, RoutingRow, Row, RunMode } from '../divergence/report';

/** What a run is asked to do. Plain data. */
export interface RunSpec {
  readonly tokens: readonly number[];
  /** The text that the tokens came from, for the report. */
  readonly prompt?: string;
  /** One or two of `ENGINES`, in its order: the candidate, then the reference. One alone captures without comparing. */
  readonly engines: readonly RunEngineId[];
  readonly mode: RunMode;
  /** As typed: `all`, or a comma-separated list of stage names. */
  readonly stages: string;
  /** As typed: `all` or `A..B`, end excluded. */
  readonly layers: string;
  /** As typed: `all`, `last` or `A..B`, end excluded. */
  readonly positions: string;
  /** GPU weight cache in bytes; undefined: what the adapter allows. */
  readonly gpuBudget?: number;
  /** Free-running cosine below which a row diverges. */
  readonly cosineLimit?: number;
  /** Tokens behind the prompt, chosen greedily by the candidate, whose stages are judged as well. */
  readonly decode?: number;
  /** Whether the fast decoder makes such tokens as well: `fast`, the default, wherever it can, `auto` where it is what decodes, `engine` nowhere. */
  readonly decoder?: DecoderChoice;
  /** Whether every other way of running the engine is tried as well (`RUN_PATHS`). */
  readonly thorough?: boolean;
  /** How often the candidate runs in all, to see whether its bits change; once where absent. */
  readonly repeat?: number;
  /** Faults on purpose in the candidate, as `--inject` takes them (`parseFault`). */
  readonly inject?: readonly string[];
  /** `reference`: the candidate is given the reference's chosen experts, so that drift is seen without flips. Default `own`. */
  readonly routing?: Routing;
  /** How a live llama.cpp among the engines is run. */
  readonly live?: LiveOptions;
}

export const ROUTINGS = ['own', 'reference'] as const;
export type Routing = (typeof ROUTINGS)[number];

export const RUN_PHASES = ['prepare', 'embed', 'layers', 'head', 'report'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

export interface Progress {
  readonly phase: RunPhase;
  /** Layers finished out of `total` in phase `layers`; 0 of 1 or 1 of 1 in the others. */
  readonly done: number;
  readonly total: number;
  /** Bytes read from the file since the run began, both engines. */
  readonly bytes: number;
  /** Bytes a second over the last seconds. */
  readonly rate: number;
  /** Seconds left at the present pace; undefined while unknown. */
  readonly secondsLeft?: number;
  /** The weight tensor that is being read. */
  readonly tensor?: string;
}

/** A run as it happens, in this order: `started`, any number of `progress`, `rows` and `lost`, then exactly one of `done`, `cancelled`, `failed`. */
export type SessionEvent =
  /** `needBytes`: memory that the captures of a layer need at once, an estimate. */
  | {
      readonly type: 'started';
      readonly adapter?: AdapterCard;
      readonly nLayer: number;
      readonly needBytes?: number;
    }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** The comparisons of one layer (undefined: whole-model stages), as soon as both engines have it. */
  | {
      readonly type: 'rows';
      readonly layer: number | undefined;
      readonly rows: readonly Row[];
      readonly routing: readonly RoutingRow[];
    }
  /** The GPU was lost; the run waits for someone to go on from the last finished layer, or to cancel. */
  | { readonly type: 'lost'; readonly error: ErrorData; readonly layersDone: number }
  | { readonly type: 'done'; readonly report: Report }
  | { readonly type: 'cancelled'; readonly layersDone: number }
  | { readonly type: 'failed'; readonly error: ErrorData };
