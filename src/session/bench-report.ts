import type { AdapterCard } from '../model/adapter-card';
import type { DecodedBy } from './decoded-by';

/** What a capture costs, from runs with and without it that took turns. */
export interface TraceCost {
  /** The middle of all pairs: 0.05 is five percent more time. */
  readonly share: number;
  readonly pairs: number;
  /** Lower and upper quartile of the pairs. */
  readonly spread: readonly [low: number, high: number];
  /** How far, as a share, the quartiles of runs without a capture lie from their own middle: an effect below it is not seen. */
  readonly noise: number;
}

/** `moescope bench` as JSON. Times in milliseconds, sizes in bytes, rates a second. */
export interface BenchReport {
  readonly schema: 'moescope-bench/2';
  readonly tool: { readonly name: string; readonly version: string; readonly commit: string };
  readonly created: string;
  readonly model: { readonly file: string; readonly bytes: number; readonly quant: string; readonly nLayer: number };
  readonly engine: string;
  readonly adapter?: AdapterCard;
  readonly runtime: 'node' | 'browser';
  readonly load: {
    /** From nothing to an open device. */
    readonly deviceMs?: number;
    /** From the first token handed over, nothing loaded, to the end of layer 0 and of the whole prompt. */
    readonly firstLayerMs: number | undefined;
    readonly firstPromptMs: number;
    /** Read from the file for it. */
    readonly bytesRead: number;
    /** Bringing all weights to the GPU afterwards, where they fit the budget: what follows then reads nothing. */
    readonly wholeModelMs?: number;
  };
  readonly prefill: {
    readonly tokens: number;
    /** Who ran it: the decoder token by token where it is short, or the engine that traces. Absent in older files: the engine. */
    readonly by?: 'decoder' | 'engine';
    /** What was run, for others to run the same. */
    readonly ids: readonly number[];
    /** Milliseconds of each repeat. */
    readonly runs: readonly number[];
    readonly tokensPerSecond: number;
  };
  readonly decode: {
    /** Who makes the tokens, and why not the decoder where it does not; absent: the engine. */
    readonly by?: DecodedBy;
    readonly tokens: number;
    /** Milliseconds of each token: the decoder's from one to the next, several being under way. */
    readonly runs: readonly number[];
    /** By the middle of them; by their mean where the decoder makes them. */
    readonly tokensPerSecond: number;
    /** Weight bytes that a token needs, and how fast they go by; what the whole file does not hold resident is read again. */
    readonly bytesPerToken: number;
    readonly bytesPerSecond: number;
    /** Of {@link BenchReport.readBandwidth}. */
    readonly shareOfRead?: number;
    /** Read from the file a token: 0 when everything it needs is resident. */
    readonly fileBytesPerToken: number;
    readonly dispatchesPerToken?: number;
    readonly submitsPerToken?: number;
    readonly readbacksPerToken?: number;
  };
  /** Bytes a second that a kernel reads from the adapter's memory. */
  readonly readBandwidth?: number;
  /** Decoding with moe_router and moe_ffn_out captured in every layer, against without. */
  readonly traceCost: TraceCost & { readonly stages: readonly string[]; readonly tokensPerSecond: number };
  /** Share of a decoded token's GPU time by kernel; undefined without timestamps. */
  readonly kernels?: readonly {
    readonly kernel: string;
    readonly dispatchesPerToken: number;
    readonly microsecondsPerToken: number;
    readonly share: number;
  }[];
  readonly memory: {
    readonly gpuWeightBytes?: number;
    readonly gpuPeakBytes?: number;
    /** Largest resident memory of the process, where the runtime tells. */
    readonly processPeakBytes?: number;
  };
}
