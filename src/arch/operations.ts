/**
 * THE OPERATIONS of a forward pass, with what each one's node says beside its inputs and weights. `src/ops` implements them: a record
 * over {@link OpName}, so that a hole does not compile.
 */

/** Keys that a query may see: all of the row, or those up to its own position. */
export type Mask = 'none' | 'causal';

/** Which channels of a head a rotation pairs, in llama.cpp's names: `neox` (i, i + dims / 2), `norm` (2i, 2i + 1). */
export type RopePairing = 'neox' | 'norm';

/** How angles are made for contexts beyond that of training; `attnFactor` lengthens cosine and sine. */
export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number; readonly attnFactor: number }
  | { readonly kind: 'yarn'; readonly factor: number; readonly attnFactor: number; readonly originalContext: number };

/** Attributes by operation. Inputs and outputs are given as (axes); tokens come first. */
export interface OpAttrs {
  /** (nTokens) token ids and a table -> (nTokens, n): one row of the table for each token. */
  readonly rows: NoAttrs;
  /** (..., n) -> the same: x / sqrt(mean(x^2) + eps) * weight over each group of as many channels as the weight has. */
  readonly rmsnorm: { readonly eps: number };
  /** (nTokens, nIn) and W {nIn, nOut} -> (nTokens, nOut). */
  readonly linear: NoAttrs;
  /**
   * (nTokens, nIn) or (nTokens, nExpertUsed, nIn), the chosen experts (nTokens, nExpertUsed) and W {nIn, nOut, nExpert} ->
   * (nTokens, nExpertUsed, nOut).
   */
  readonly 'expert-linear': NoAttrs;
  /** (nTokens, heads, headDim) -> the same: rotary embedding of the first `dims` channels of each head; the others pass. */
  readonly rope: {
    readonly theta: number;
    readonly dims: number;
    readonly pairing: RopePairing;
    readonly scaling?: RopeScaling | undefined;
  };
  /** (nTokens, nHead, headDim) and keys (nKeys, nHeadKv, headDim) -> (nTokens, nHead, nKeys): q . k / divisor, before any mask. */
  readonly 'attention-scores': { readonly divisor: number };
  /** (..., n) -> the same: softmax of each row over what the mask leaves; the rest is 0. */
  readonly softmax: { readonly mask: Mask };
  /** (nTokens, nHead, nKeys) and values (nKeys, nHeadKv, headDim) -> (nTokens, qDim): heads side by side. Hidden keys are not read. */
  readonly 'attention-values': { readonly mask: Mask };
  /** (nTokens, nExpert) -> (nTokens, nExpertUsed): indices of the largest, descending, ties to the lower index. */
  readonly 'top-k': NoAttrs;
  /**
   * (nTokens, nExpert) and indices (nTokens, nExpertUsed) -> (nTokens, nExpertUsed): the values at the indices, divided by their sum
   * (at least `MIN_WEIGHT_SUM`) or as they are.
   */
  readonly normalise: { readonly divisor: 'sum' | 'one' };
  /** gate and up (...) -> (...): silu(gate) * up. */
  readonly swiglu: NoAttrs;
  /** Weights (nTokens, nExpertUsed) and y (nTokens, nExpertUsed, n) -> (nTokens, n): sum over the slots in ascending order. */
  readonly 'weighted-sum': NoAttrs;
  /** a and b (...) -> (...): a + b. */
  readonly add: NoAttrs;
  /** a (..., n) and b (..., n) or (..., 1) -> (..., n): a * b. */
  readonly multiply: NoAttrs;
  /** (...) -> the same: x * factor. */
  readonly scale: { readonly factor: number };
  /** (...) -> the same: 1 / (1 + exp(-x)). */
  readonly sigmoid: NoAttrs;
}

export type NoAttrs = Readonly<Record<never, never>>;

export type OpName = keyof OpAttrs;
