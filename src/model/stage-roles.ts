import type { ActiveStageId } from './stages';

/**
 * The stages that code asks for by the part they play, whatever the architecture. Names of llama.cpp's graph are shared by its
 * architectures, so each part has one name.
 */
const role = <const Id extends ActiveStageId>(id: Id): Id => id;

/** Rows of the token embedding: before layer 0. */
export const EMBEDDING = role('embedding');
/** Scores q k^T / sqrt(head size), before the mask. */
export const ATTN_SCORES = role('attn_scores');
export const ATTN_SOFTMAX = role('attn_softmax');
export const ROUTER_LOGITS = role('moe_router_logits');
/** Probabilities of all experts. */
export const ROUTER_PROBS = role('moe_router_probs');
/** Ids of the chosen experts, largest weight first; compared as sets. */
export const CHOSEN_EXPERTS = role('moe_router_indices');
/** Weights of the chosen experts. */
export const ROUTER_WEIGHTS = role('moe_router');
/** Output of the mixture of experts, before it joins the residual stream. */
export const FFN_OUT = role('moe_ffn_out');
/** The residual stream behind a layer. */
export const LAYER_OUTPUT = role('post_ffn_residual');
export const LOGITS = role('lm_head');
