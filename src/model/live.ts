import type { Engine } from './engine';

/*
 * The live engine's names and options: a real llama.cpp that is run and captured as it computes. What runs it is `src/engine/llama-cpp`.
 */

/** The back ends of llama.cpp that can be asked for. */
export const LIVE_BACKENDS = ['cpu', 'vulkan', 'cuda', 'metal'] as const;
export type LiveBackend = (typeof LIVE_BACKENDS)[number];

const LIVE = 'llama.cpp';

/** A live engine as a run names it: `llama.cpp:cpu`, `llama.cpp:vulkan` ... */
export type LiveEngineId = `${typeof LIVE}:${LiveBackend}`;

export const LIVE_ENGINES: readonly LiveEngineId[] = LIVE_BACKENDS.map((backend) => `${LIVE}:${backend}` as const);

/** The live engine that a word names; `llama.cpp` alone is its CPU back end. Undefined for any other word. */
export function parseLiveEngine(word: string): LiveEngineId | undefined {
  const wanted = word.trim().toLowerCase();
  return wanted === LIVE ? `${LIVE}:cpu` : LIVE_ENGINES.find((engine) => engine === wanted);
}

/** The back end of a live engine; undefined for an engine of another kind. */
export function liveBackend(engine: string): LiveBackend | undefined {
  return LIVE_BACKENDS.find((backend) => engine === `${LIVE}:${backend}`);
}

/** Whether an engine is a llama.cpp that this program runs. */
export function isLive(engine: string): engine is LiveEngineId {
  return liveBackend(engine) !== undefined;
}

export const FLASH_ATTENTION = ['auto', 'on', 'off'] as const;
export const KV_TYPES = ['f16', 'f32'] as const;

/** How llama.cpp is run. What is absent is llama.cpp's own default. */
export interface LiveOptions {
  /** A shared library of llama.cpp, or a folder that holds it; absent: what `moescope setup llama.cpp` installed. */
  readonly library?: string;
  /** The file that llama.cpp reads, where it is not the reference's own: another copy of the same model. */
  readonly model?: string;
  /** Fused attention, which keeps no scores; `auto` is llama.cpp's default. */
  readonly flashAttention?: (typeof FLASH_ATTENTION)[number];
  /** Type of the cached keys and values; llama.cpp's default is f16. */
  readonly kv?: (typeof KV_TYPES)[number];
  /** Tokens of one run of the graph; absent: the whole prompt. */
  readonly ubatch?: number;
  /** CPU threads; absent: one a core. */
  readonly threads?: number;
}

/** An engine that says more of itself than its captures. */
export interface LiveEngine extends Engine {
  /** Of the last run that came to its end; undefined before. */
  facts(): LiveFacts | undefined;
}

/** What a live engine says of itself and of a run, for the report. Plain data. */
export interface LiveFacts {
  /** `llama.cpp:vulkan` */
  readonly engine: LiveEngineId;
  /** As the library says; undefined where it does not. */
  readonly version: string | undefined;
  readonly ggmlVersion: string | undefined;
  readonly commit: string | undefined;
  /** The library's file and the folder it lies in. */
  readonly library: string;
  /** The file that it read, where that was another than the reference's. */
  readonly file?: string;
  /** The devices that the model was given: `Vulkan0 (NVIDIA H200)`; `CPU (...)`. */
  readonly devices: readonly string[];
  readonly flashAttention: string;
  readonly kv: string;
  readonly threads: number;
  readonly ubatch: number;
  /** Runs of the graph that the prompt took. */
  readonly graphs: number;
  /** Rows of logits of the run that was captured that differ in a bit from the run that was not: 0 proves that capturing changed nothing. */
  readonly logitRowsChanged: number;
  readonly logitRows: number;
  /** Largest difference of a logit of the last row. */
  readonly largestLogitChange: number;
  /** Decoding without and with capturing, milliseconds. */
  readonly plainMs: number;
  readonly capturedMs: number;
  /** Largest memory of the process, bytes; weights that are mapped from the file are part of it. */
  readonly peakBytes: number;
  /** Graph parameters (eps, rope, scale) that differ from the file's, one sentence each. */
  readonly parameterNotes: readonly string[];
}
