/*
 * The stages that code asks for by the part they play, whatever the architecture. Names of llama.cpp's graph are shared by its
 * architectures, so each part has one name.
 */

/** Rows of the token embedding: before layer 0. */
export const EMBEDDING = 'embedding';
/** Scores q k^T / sqrt(head size), before the mask. */
export const ATTN_SCORES = 'attn_scores';
export const ATTN_SOFTMAX = 'attn_softmax';
export const ROUTER_LOGITS = 'moe_router_logits';
/** Probabilities of all experts. */
export const ROUTER_PROBS = 'moe_router_probs';
/** Ids of the chosen experts, largest weight first; compared as sets. */
export const CHOSEN_EXPERTS = 'moe_router_indices';
/** Weights of the chosen experts. */
export const ROUTER_WEIGHTS = 'moe_router';
/** Output of the mixture of experts, before it joins the residual stream. */
export const FFN_OUT = 'moe_ffn_out';
/** The residual stream behind a layer. */
export const LAYER_OUTPUT = 'post_ffn_residual';
export const LOGITS = 'lm_head';
