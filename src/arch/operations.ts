/**
 * THE OPERATIONS of a forward pass, with what each one's node says beside its inputs and weights. `src/ops` implements them: a record
 * over {@link OpName}, so that a hole does not compile.
 */

/** Smallest divisor of the chosen experts' weights: the smallest normal f16, as llama.cpp clamps it. Only a router with NaN or infinities gets there. */
export const MIN_WEIGHT_SUM = 2 ** -14;

/** Keys that a query may see: all of the row, or those up to its own position. */
export type Mask = 'none' | 'causal';

/** The newest keys that a query sees, its own among them; all where there is none. Of causal attention. */
interface Windowed {
  readonly window?: number | undefined;
}

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
  /** (nTokens, heads, nIn) and W {nIn, nOut, heads} -> (nTokens, heads, nOut): each head's vector by the head's own matrix. */
  readonly 'head-linear': NoAttrs;
  /**
   * (nTokens, heads, headDim) -> the same: rotary embedding of the first `dims` channels of each head; the others pass. A weight {dims / 2}
   * divides the frequency of each pair.
   */
  readonly rope: {
    readonly theta: number;
    readonly dims: number;
    readonly pairing: RopePairing;
    readonly scaling?: RopeScaling | undefined;
  };
  /** (nTokens, nHead, headDim) and keys (nKeys, nHeadKv, headDim) -> (nTokens, nHead, nKeys): q . k / divisor, before any mask. */
  readonly 'attention-scores': { readonly divisor: number };
  /**
   * (..., n) -> the same: softmax of each row over what the mask leaves; the rest is 0. A weight is a sink for each head: one more value of
   * the row, which takes its share and is left out, so that a row sums to less than 1.
   */
  readonly softmax: { readonly mask: Mask } & Windowed;
  /** (nTokens, nHead, nKeys) and values (nKeys, nHeadKv, headDim) -> (nTokens, qDim): heads side by side. Hidden keys are not read. */
  readonly 'attention-values': { readonly mask: Mask } & Windowed;
  /**
   * (nTokens, nExpert) -> (nTokens, nExpertUsed): indices of the largest, descending, ties to the lower index. With chosen groups,
   * (nTokens, nGroupUsed), those of other groups are left out; `groups` says into how many neighbours are grouped.
   */
  readonly 'top-k': { readonly groups?: number };
  /** (nTokens, nExpert) -> (nTokens, nGroup): the sum of the two largest of each group of neighbours. */
  readonly 'group-scores': NoAttrs;
  /**
   * (nTokens, nExpert) and indices (nTokens, nExpertUsed) -> (nTokens, nExpertUsed): the values at the indices, divided by their sum
   * (at least `MIN_WEIGHT_SUM`) or as they are.
   */
  readonly normalise: { readonly divisor: 'sum' | 'one' };
  /** gate and up (...) -> (...): silu(gate) * up. */
  readonly swiglu: NoAttrs;
  /** gate and up (...) -> (...): g sigmoid(alpha g) (u + 1) with g = min(gate, limit), u = up held within -limit and limit. */
  readonly 'swiglu-clamped': { readonly alpha: number; readonly limit: number };
  /** Weights (nTokens, nExpertUsed) and y (nTokens, nExpertUsed, n) -> (nTokens, n): sum over the slots in ascending order. */
  readonly 'weighted-sum': NoAttrs;
  /** a and b (...) -> (...): a + b. */
  readonly add: NoAttrs;
  /** a (..., n) and b (..., n) or (..., 1) -> (..., n): a * b. */
  readonly multiply: NoAttrs;
  /** (...) -> the same: x * factor. */
  readonly scale: { readonly factor: number };
  /** (..., n) and w {n} -> the same: x + w. */
  readonly shift: NoAttrs;
  /** (...) -> the same: 1 / (1 + exp(-x)). */
  readonly sigmoid: NoAttrs;
  /** (...) -> the same: x / (1 + exp(-x)). */
  readonly silu: NoAttrs;
  /** (..., n) and w {n} -> the same: log(1 + exp(x + w)). */
  readonly softplus: NoAttrs;
  /** (..., n) and w {n} -> the same: x * w. */
  readonly gain: NoAttrs;
  /** (..., n) -> (..., m): the m columns of each row from `first` on. */
  readonly slice: { readonly first: number };
  /** a (..., n) and b (..., m) -> (..., n + m): side by side. */
  readonly concat: NoAttrs;
  /** (nTokens, heads, n) -> (nTokens, heads * times, n): x / sqrt(sum(x^2) + eps) of each head, `times` times one after the other. */
  readonly l2norm: { readonly eps: number; readonly times: number };
  /**
   * (nTokens, channels), the nKernel - 1 rows before them in a state, and w {nKernel, channels} -> (nTokens, channels): each channel times its
   * own weights over the latest nKernel tokens, the last weight for the token itself. Zero before the first token.
   */
  readonly conv1d: NoAttrs;
  /**
   * k (nTokens, nHeadK, n), v (nTokens, nHeadV, m), log decay and beta (nTokens, nHeadV), and the state before -> the state behind each token,
   * (nTokens, nHeadV, m, n): M <- e^decay M, then M <- M + (v - M k) beta k^T. Head h of v has head h % nHeadK of k. Zero before the first token.
   */
  readonly 'delta-rule': NoAttrs;
  /** State (nTokens, nHeadV, m, n) and q (nTokens, nHeadK, n) -> (nTokens, nHeadV, m): M q / divisor, heads as in the delta rule. */
  readonly 'delta-read': { readonly divisor: number };
}

export type NoAttrs = Readonly<Record<never, never>>;

export type OpName = keyof OpAttrs;
