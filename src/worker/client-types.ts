import type { ErrorData } from '../base/errors';
import type { AdapterCard, ModelCard } from '../divergence/report';
import type { SlicePlace } from '../divergence/tap-slice';
import type { SourceDescriptor } from '../gguf/byte-source';
import type { BenchChoice } from '../session/bench-choice';
import type { BenchReport } from '../session/bench-report';
import type { RunSpec, SessionEvent } from '../session/events';
import type { GeneratedToken, GenerateEnd } from '../session/generate';
import type { TapAnswer } from '../session/tap-inspector';
import type { WeightLine } from '../session/weight-table';
import type { TraceClient } from './trace-client-types';

/**
 * What the page asks of the engine, and nothing else: `src/worker/` implements it over a Web Worker, tests over a generated report.
 * Everything that crosses is plain, structured-cloneable data. Every promise rejects with a `TracerError` whose `code` is intact.
 */
export interface EngineClient extends TraceClient {
  /**
   * Opens one model: a single file, or all parts of a split one in any order. Reads the header only. Once the new one is open, the model
   * opened before is closed; a rejected call leaves that one as it was.
   * @throws TracerError `gguf-*`, `source-*`
   */
  open(descriptors: readonly SourceDescriptor[]): Promise<OpenedModel>;
  /**
   * The opened model's own tokenizer. With `chat`, the text is one user turn of the file's chat template, ready for the answer.
   * @throws TracerError `tokenizer-*`, `chat-template`, `prompt-empty`
   */
  tokenize(text: string, options: { readonly chat: boolean }): Promise<TokenizedPrompt>;
  /** The text of each token, for labels. @throws TracerError `prompt-token` (an id outside the vocabulary) */
  tokenTexts(ids: readonly number[]): Promise<readonly string[]>;
  /**
   * Runs the opened model. Resolves after the last event (`done`, `cancelled` or `failed`) has been delivered; a failure is an event,
   * not a rejection. @throws TracerError `run-busy` when a run is under way
   */
  run(spec: RunSpec, onEvent: (event: SessionEvent) => void): Promise<void>;
  /** A position of a tensor of the last run in both arms, boiled down; or that it was not kept, and why. Also while a run goes on. */
  tapSlice(place: SlicePlace): Promise<TapAnswer>;
  /**
   * The same after running the last prompt again up to that layer, for what was not kept. A run like any other: `cancel` ends it.
   * @throws TracerError `run-busy`, `run-cancelled`, `usage` (nothing ran)
   */
  fetchTaps(place: SlicePlace): Promise<TapAnswer>;
  /**
   * Continues a run greedily by up to `count` tokens on its own arms. `cancel` ends it.
   * @param tokens the run's prompt and what was generated before
   * @throws TracerError `run-busy`, `run-cancelled`, or what an arm threw
   */
  generate(
    spec: RunSpec,
    tokens: readonly number[],
    count: number,
    onToken: (token: GeneratedToken) => void,
  ): Promise<GenerateEnd>;
  /**
   * Measures the opened model on a device of its own, as `moescope bench` does. `cancel` ends it.
   * @throws TracerError `run-busy`, `run-cancelled`, or what an arm threw
   */
  bench(choice: BenchChoice, onPhase: (phase: string) => void): Promise<BenchReport>;
  /** Goes on with a run that told `lost`, from its last finished layer, on a new device. */
  resume(): Promise<void>;
  /** Stops the run under way within half a second; the run then ends with `cancelled`. No run: nothing happens. */
  cancel(): Promise<void>;
  /** The adapter that a run would use, or why there is none: which check failed (`detail.check`) and what to do. Never rejects. */
  adapter(): Promise<AdapterCard | ErrorData>;
}

export interface OpenedModel {
  readonly card: ModelCard;
  readonly preflight: Preflight;
  /** Every tensor, layers folded. */
  readonly weights: readonly WeightLine[];
}

export interface TokenizedPrompt {
  readonly ids: readonly number[];
  /** One a token, as people read it. */
  readonly texts: readonly string[];
}

/** What a run will cost, known before anything but the header is read. */
export interface Preflight {
  /** Bytes of header already read, all parts. */
  readonly headerBytes: number;
  /** The most that one run of both arms reads from the file (every expert chosen); the true number depends on the routing. */
  readonly readBytes: number;
  /** Undefined when there is no adapter. */
  readonly gpu?: MemoryNeed;
  readonly cpu: MemoryNeed;
  /** The largest single GPU buffer a weight needs, after tiling, against the adapter's maxStorageBufferBindingSize. */
  readonly largestBinding?: { readonly tensor: string; readonly bytes: number; readonly allowedBytes: number };
  /** Whether the file has a chat template that can be rendered. */
  readonly chatTemplate: boolean;
  /** Why text cannot be tokenised (raw ids still run); undefined when it can. */
  readonly tokenizerError?: ErrorData;
}

export interface MemoryNeed {
  /** Bytes with everything that fits kept resident. */
  readonly wantBytes: number;
  /** Bytes that must be there at once for the run to work at all (weights in hand, activations, keys and values). */
  readonly needBytes: number;
  /** What this side may use: adapter limits or the budget; undefined where the browser does not say. */
  readonly allowedBytes?: number;
}
