import type { Rescales, SumOrder } from '../base/f32-error';
import type { KernelUse } from './kernel-use';
import type { StageId } from './stages';

/** One side of a comparison. Traces read from a file carry any other name. */
export type EngineId = 'gpu' | 'cpu' | 'exact-gpu' | 'cpu-ggml' | (string & {});

/** The tensor captured at (engine, layer, stage). */
export interface Capture {
  readonly stage: StageId;
  /** Undefined for whole-model stages. */
  readonly layer: number | undefined;
  /** Prompt positions that the capture holds, ascending; the length of its `nTokens` axis. */
  readonly positions: readonly number[];
  /** C order, as the stage table says. */
  readonly shape: readonly number[];
  /** f32 (NaN bits verbatim), or u32 expert ids for an index stage. Engines put it where other threads see it, if memory can be shared. */
  readonly data: Float32Array | Uint32Array;
  /** The kernels that made it, with their variants: `linear_lane_group Q4_K x1 subgroup of 32, 2 rows`. Absent where no kernel of ours did. */
  readonly kernel?: string;
  /** Reference, when asked: the largest absolute error of an honest f32 kernel per element, same layout as `data`. */
  readonly bound?: Float32Array<ArrayBuffer>;
  /** CPU engines, when asked: the values before they were rounded to f32, same layout as `data`. */
  readonly exact?: Float64Array<ArrayBuffer>;
  /** CPU engines: how large the values are before they were rounded to f32, which may not hold them. */
  readonly reach?: Reach;
}

/** How far the values of a stage go, in f64. */
export interface Reach {
  /** Largest magnitude of a finite value; 0 where all are 0. */
  readonly largest: number;
  /** Of a product whose bounds were asked for: the largest sum of magnitudes, which no partial sum is above. */
  readonly largestSum?: number;
}

/** What to capture: for each stage, at which positions (ascending). An absent stage is not captured and costs nothing. */
export type CaptureRequest = ReadonlyMap<StageId, readonly number[]>;

export interface StepOptions {
  readonly capture: CaptureRequest;
  /** Reference: also compute `Capture.bound`. */
  readonly bounds?: boolean;
  /** With bounds: how the engine that they are for adds up products. Default `any`. */
  readonly sumOrder?: SumOrder;
  /** With bounds: how often the engine's attention scales its sums anew. Default never. */
  readonly rescales?: Rescales;
  /** CPU engines: also keep `Capture.exact`, so that a stage can be computed again from just what the engine itself computed it from. */
  readonly exact?: boolean;
  /** Use these experts, (nTokens, nExpertUsed), instead of the engine's own top-k; their weights come from the engine's own probabilities. */
  readonly forcedExperts?: Uint32Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

export interface StepResult {
  readonly captures: ReadonlyMap<StageId, Capture>;
  /** Stages that were asked for and that this engine never has as a value of its own: a fused kernel keeps no scores. */
  readonly unmeasured?: ReadonlySet<StageId>;
  /** Wall time of the step. */
  readonly ms: number;
  /** Bytes read from the model file for the step. */
  readonly bytesRead: number;
}

/**
 * A forward pass, one step at a time: `begin`, then `layer(0)` ... `layer(nLayer - 1)`, then `end`. The caller drives two engines in
 * lockstep. Positions of one call follow those of the calls before it (keys and values are kept), so that a prompt can be continued:
 * `begin(prompt)`, layers, end, `begin([next], nPast)`, layers, end, ...
 */
export interface Engine {
  readonly id: EngineId;
  /** How its kernels add up the products of a step of so many tokens; absent where that is not known. */
  sumOrder?(nTokens: number): SumOrder;
  /** Takes the tokens and computes `embedding`. `nPast` positions are kept from before; 0 starts afresh. */
  begin(tokens: Uint32Array<ArrayBuffer>, nPast: number, options: StepOptions): Promise<StepResult>;
  /** One transformer block: all layer stages. */
  layer(layer: number, options: StepOptions): Promise<StepResult>;
  /** `final_norm` and `lm_head`. The head is computed only for the positions that the capture of `lm_head` names. */
  end(options: StepOptions): Promise<StepResult>;
  /** The kernel variants that ran since the engine was made. Absent where it has no kernels. */
  kernelUses?(): readonly KernelUse[];
  /** Frees buffers, workers and devices that the engine owns. Safe to call twice. */
  dispose(): Promise<void>;
}

/**
 * What an isolating engine is given: captures of the same step, with `layerInput` standing for the `layer_input` of the stage table (embedding or
 * the previous layer's output). They are at all positions of the step; the exact engines need those of the captured positions alone, and all of
 * what attention keeps (keys and values).
 */
export interface ReferenceStep {
  readonly captures: ReadonlyMap<StageId, Capture>;
  readonly layerInput: Capture | undefined;
  /** Exact engines, of a continued prompt: what is kept of the positions before the step, (nPast, width), by the stage that writes it. */
  readonly past?: ReadonlyMap<StageId, Float32Array>;
}

/** An engine that can also run each stage alone, fed with the reference's captured inputs, so that only that kernel's own error is left. */
export interface IsolatingEngine extends Engine {
  /** `layer` undefined: the whole-model stages that the capture names. Leaves the free-running state untouched. */
  isolate(layer: number | undefined, reference: ReferenceStep, options: StepOptions): Promise<StepResult>;
  /**
   * Of an engine that rounds activations: products as {@link isolate} computes them, of what each rounding may be off by in another implementation of it, with
   * bounds: gamma_{n+6} sum |w| |doubt|.
   */
  doubt?(layer: number | undefined, reference: ReferenceStep, options: StepOptions): Promise<StepResult>;
  /**
   * The next `layer` (undefined: `end`) and `isolate` of the same step in one walk over its weights: the bits of one after the other, for less.
   * Absent where nothing is gained.
   */
  advanceAndIsolate?(
    layer: number | undefined,
    options: StepOptions,
    reference: ReferenceStep,
    isolated: StepOptions,
  ): Promise<readonly [advanced: StepResult, isolated: StepResult]>;
  /**
   * Takes up a run of these tokens that another engine of its kind could not end: as if `begin` and the layers before `layer` were done,
   * and `hidden`, (nTokens, nEmbd), were their output. The keys and values of those layers are not there: no later step can build on
   * them. Absent where an engine cannot lose its state.
   */
  restore?(tokens: Uint32Array<ArrayBuffer>, layer: number, hidden: Float32Array, signal?: AbortSignal): Promise<void>;
}

/** Where an engine says what it is doing. All optional; called often, must be cheap. */
export interface EngineHooks {
  /** Bytes of a weight tensor were read. */
  onRead?(tensor: string, bytes: number): void;
}
