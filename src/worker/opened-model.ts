import type { ErrorData } from '../base/errors';
import type { ModelCard } from '../divergence/report';
import type { WeightLine } from '../session/weight-table';

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
  /** The most that one run of both engines reads from the file (every expert chosen); the true number depends on the routing. */
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
  /** Bytes that must be there at once for the run to work at all (weights of the current product, activations, keys and values). */
  readonly needBytes: number;
  /** What this side may use: adapter limits or the budget; undefined where the browser does not say. */
  readonly allowedBytes?: number;
}
