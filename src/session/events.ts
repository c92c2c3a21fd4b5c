import type { ErrorData } from '../base/errors';
import type { RunArm } from '../model/arms';
import type { LiveOptions } from '../model/live';
import type { AdapterCard, Report, RoutingRow, Row, RunMode } from '../divergence/report';

/** What a run is asked to do. Plain data. */
export interface RunSpec {
  readonly tokens: readonly number[];
  /** The text that the tokens came from, for the report. */
  readonly prompt?: string;
  /** One or two of `RUN_ARMS`, in its order: the engine under test, then the reference. One alone captures without comparing. */
  readonly arms: readonly RunArm[];
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
  /** Tokens behind the prompt, chosen greedily by the arm under test, whose stages are judged as well. */
  readonly decode?: number;
  /** How often the arm under test runs in all, to see whether its bits change; once where absent. */
  readonly repeat?: number;
  /** Faults on purpose in the arm under test, as `--inject` takes them (`parseFault`). */
  readonly inject?: readonly string[];
  /** `reference`: the arm under test is given the reference's chosen experts, so that drift is seen without flips. Default `own`. */
  readonly routing?: Routing;
  /** How a live llama.cpp among the arms is run. */
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
  /** Bytes read from the file since the run began, both arms. */
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
  | { readonly type: 'started'; readonly adapter?: AdapterCard; readonly nLayer: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** The comparisons of one layer (undefined: whole-model stages), as soon as both arms have it. */
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
