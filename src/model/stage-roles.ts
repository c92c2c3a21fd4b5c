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
/** Those and what an architecture adds to them to choose by. */
export const ROUTER_PROBS_BIASED = 'moe_router_probs_biased';
/** What experts are chosen by: the first of these that a model has. */
export const ROUTER_RANKS: readonly string[] = [ROUTER_PROBS_BIASED, ROUTER_PROBS];
/** What groups of experts are chosen by, and the chosen ones. */
export const GROUP_SCORES = 'moe_group_scores';
export const CHOSEN_GROUPS = 'moe_group_indices';
/** All that the choice of experts is judged by. */
export const CHOICE: readonly string[] = [...ROUTER_RANKS, GROUP_SCORES, CHOSEN_GROUPS];
/** Ids of the chosen experts, largest weight first; compared as sets. */
export const CHOSEN_EXPERTS = 'moe_router_indices';
/** Weights of the chosen experts. */
export const ROUTER_WEIGHTS = 'moe_router';
/** What latent attention reads for each head. */
export const LATENT_VALUES = 'kqv';
/** Output of the mixture of experts, before it joins the residual stream. */
export const FFN_OUT = 'moe_ffn_out';
/** The residual stream behind a layer. */
export const LAYER_OUTPUT = 'post_ffn_residual';
export const LOGITS = 'lm_head';
