/**
 * THE STAGE TABLE: the named points of the forward pass, in forward order. Engines, plots, menus, command line, file names and docs
 * derive from it.
 */

/** Symbolic axis lengths of a stage's tensor. `nTokens` is the axis that `positions` selects from. */
export type Dim =
  | 'nTokens'
  | 'nKeys'
  | 'nEmbd'
  | 'qDim'
  | 'kvDim'
  | 'nHead'
  | 'nHeadKv'
  | 'headDim'
  | 'nExpert'
  | 'nExpertUsed'
  | 'nFfExp'
  | 'nVocab';

/** A weight's role; `weights.ts` maps it to a GGUF name and shape. */
export type WeightRole =
  | 'token_embd'
  | 'attn_norm'
  | 'attn_q'
  | 'attn_k'
  | 'attn_v'
  | 'attn_q_norm'
  | 'attn_k_norm'
  | 'attn_output'
  | 'ffn_norm'
  | 'ffn_gate_inp'
  | 'ffn_gate_exps'
  | 'ffn_up_exps'
  | 'ffn_down_exps'
  | 'output_norm'
  | 'output';

/** What computes the stage; decides its kernel and its error bound. */
export type StageOperation =
  | 'rows'
  | 'rmsnorm'
  | 'head-rmsnorm'
  | 'matmul'
  | 'rope'
  | 'attn-scores'
  | 'attn-softmax'
  | 'attn-values'
  | 'add'
  | 'softmax'
  | 'top-k'
  | 'renormalise'
  | 'expert-matmul'
  | 'swiglu'
  | 'weighted-sum'
  | 'none';

export interface StageSpec {
  readonly id: string;
  /** How people see it: MoeRouter, MoeFfnOut. */
  readonly title: string;
  /** Other accepted names. */
  readonly aliases: readonly string[];
  /** The name of the same tensor in llama.cpp's graph, where there is one; `Qcur_proj`, `Kcur_proj` where it calls two of them Qcur. */
  readonly ggml: string;
  /** `layer`: once per transformer block. `model`: once. */
  readonly scope: 'layer' | 'model';
  /** C order. */
  readonly shape: readonly Dim[];
  readonly values: 'float' | 'index';
  readonly operation: StageOperation;
  /** The stages whose values it reads; `layer_input` is the embedding or the previous layer's `post_ffn_residual`. */
  readonly inputs: readonly string[];
  readonly weights: readonly WeightRole[];
  /** False for names that are accepted but that a Qwen3-MoE model does not have. */
  readonly applies: boolean;
  /** Shown above the others. */
  readonly headline: boolean;
  /** The stages that a name of other tools stands for, side by side in its rows. It is read and written, and never computed. */
  readonly parts?: readonly string[];
}

const layerStage = {
  aliases: [],
  scope: 'layer',
  values: 'float',
  weights: [],
  applies: true,
  headline: false,
} as const;
const modelStage = { ...layerStage, scope: 'model' } as const;
const notApplicable = { ...layerStage, shape: [], inputs: [], operation: 'none', applies: false } as const;

// prettier-ignore
export const STAGES = [
  { ...modelStage, id: 'embedding', title: 'Embedding', ggml: 'inp_embd', shape: ['nTokens', 'nEmbd'], operation: 'rows', inputs: [], weights: ['token_embd'] },
  { ...layerStage, id: 'attn_norm', title: 'AttnNorm', ggml: 'attn_norm', shape: ['nTokens', 'nEmbd'], operation: 'rmsnorm', inputs: ['layer_input'], weights: ['attn_norm'] },
  { ...layerStage, id: 'q_proj', title: 'QProj', ggml: 'Qcur_proj', shape: ['nTokens', 'qDim'], operation: 'matmul', inputs: ['attn_norm'], weights: ['attn_q'] },
  { ...layerStage, id: 'k_proj', title: 'KProj', ggml: 'Kcur_proj', shape: ['nTokens', 'kvDim'], operation: 'matmul', inputs: ['attn_norm'], weights: ['attn_k'] },
  { ...layerStage, id: 'v_proj', title: 'VProj', ggml: 'Vcur', shape: ['nTokens', 'kvDim'], operation: 'matmul', inputs: ['attn_norm'], weights: ['attn_v'] },
  { ...notApplicable, id: 'qkv_matmul', title: 'QkvMatmul', ggml: '', parts: ['q_proj', 'k_proj', 'v_proj'] },
  { ...notApplicable, id: 'qkv_bias', title: 'QkvBias', ggml: '' },
  { ...layerStage, id: 'q_norm', title: 'QNorm', ggml: 'Qcur_normed', shape: ['nTokens', 'nHead', 'headDim'], operation: 'head-rmsnorm', inputs: ['q_proj'], weights: ['attn_q_norm'] },
  { ...layerStage, id: 'k_norm', title: 'KNorm', ggml: 'Kcur_normed', shape: ['nTokens', 'nHeadKv', 'headDim'], operation: 'head-rmsnorm', inputs: ['k_proj'], weights: ['attn_k_norm'] },
  { ...layerStage, id: 'q_post_rope', title: 'QPostRope', ggml: 'Qcur', shape: ['nTokens', 'nHead', 'headDim'], operation: 'rope', inputs: ['q_norm'] },
  { ...layerStage, id: 'k_post_rope', title: 'KPostRope', ggml: 'Kcur', shape: ['nTokens', 'nHeadKv', 'headDim'], operation: 'rope', inputs: ['k_norm'] },
  { ...layerStage, id: 'attn_scores', title: 'AttnScores', ggml: 'kq', shape: ['nTokens', 'nHead', 'nKeys'], operation: 'attn-scores', inputs: ['q_post_rope', 'k_post_rope'] },
  { ...layerStage, id: 'attn_softmax', title: 'AttnSoftmax', ggml: 'kq_soft_max', shape: ['nTokens', 'nHead', 'nKeys'], operation: 'attn-softmax', inputs: ['attn_scores'] },
  { ...layerStage, id: 'attention', title: 'Attention', ggml: 'kqv_out', shape: ['nTokens', 'qDim'], operation: 'attn-values', inputs: ['attn_softmax', 'v_proj'] },
  { ...layerStage, id: 'attn_out', title: 'AttnOut', ggml: 'attn_out', shape: ['nTokens', 'nEmbd'], operation: 'matmul', inputs: ['attention'], weights: ['attn_output'] },
  { ...layerStage, id: 'post_attn_residual', title: 'PostAttnResidual', ggml: 'ffn_inp', shape: ['nTokens', 'nEmbd'], operation: 'add', inputs: ['layer_input', 'attn_out'] },
  { ...layerStage, id: 'ffn_norm', title: 'FfnNorm', ggml: 'ffn_norm', shape: ['nTokens', 'nEmbd'], operation: 'rmsnorm', inputs: ['post_attn_residual'], weights: ['ffn_norm'] },
  { ...layerStage, id: 'moe_router_logits', title: 'MoeRouterLogits', ggml: 'ffn_moe_logits', shape: ['nTokens', 'nExpert'], operation: 'matmul', inputs: ['ffn_norm'], weights: ['ffn_gate_inp'] },
  { ...layerStage, id: 'moe_router_probs', title: 'MoeRouterProbs', ggml: 'ffn_moe_probs', shape: ['nTokens', 'nExpert'], operation: 'softmax', inputs: ['moe_router_logits'] },
  { ...layerStage, id: 'moe_router_indices', title: 'MoeRouterIndices', ggml: 'ffn_moe_topk', shape: ['nTokens', 'nExpertUsed'], values: 'index', operation: 'top-k', inputs: ['moe_router_probs'] },
  { ...layerStage, id: 'moe_router', title: 'MoeRouter', ggml: 'ffn_moe_weights_norm', shape: ['nTokens', 'nExpertUsed'], operation: 'renormalise', inputs: ['moe_router_probs', 'moe_router_indices'], headline: true },
  { ...layerStage, id: 'moe_expert_gate', title: 'MoeExpertGate', ggml: 'ffn_moe_gate', shape: ['nTokens', 'nExpertUsed', 'nFfExp'], operation: 'expert-matmul', inputs: ['ffn_norm', 'moe_router_indices'], weights: ['ffn_gate_exps'] },
  { ...layerStage, id: 'moe_expert_up', title: 'MoeExpertUp', ggml: 'ffn_moe_up', shape: ['nTokens', 'nExpertUsed', 'nFfExp'], operation: 'expert-matmul', inputs: ['ffn_norm', 'moe_router_indices'], weights: ['ffn_up_exps'] },
  { ...layerStage, id: 'moe_expert_swigl', title: 'MoeExpertSwigl', aliases: ['moe_expert_swiglu'], ggml: 'ffn_moe_swiglu', shape: ['nTokens', 'nExpertUsed', 'nFfExp'], operation: 'swiglu', inputs: ['moe_expert_gate', 'moe_expert_up'] },
  { ...layerStage, id: 'moe_expert_out', title: 'MoeExpertOut', ggml: 'ffn_moe_down', shape: ['nTokens', 'nExpertUsed', 'nEmbd'], operation: 'expert-matmul', inputs: ['moe_expert_swigl', 'moe_router_indices'], weights: ['ffn_down_exps'] },
  { ...layerStage, id: 'moe_ffn_out', title: 'MoeFfnOut', ggml: 'ffn_moe_out', shape: ['nTokens', 'nEmbd'], operation: 'weighted-sum', inputs: ['moe_router', 'moe_expert_out'], headline: true },
  { ...notApplicable, id: 'ffn_gate', title: 'FfnGate', ggml: 'ffn_gate' },
  { ...notApplicable, id: 'ffn_up', title: 'FfnUp', ggml: 'ffn_up' },
  { ...notApplicable, id: 'ffn_silu', title: 'FfnSilu', ggml: '' },
  { ...notApplicable, id: 'ffn_swigl', title: 'FfnSwigl', aliases: ['ffn_swiglu'], ggml: 'ffn_swiglu' },
  { ...notApplicable, id: 'ffn_out', title: 'FfnOut', ggml: 'ffn_out' },
  { ...layerStage, id: 'post_ffn_residual', title: 'LayerOutput', aliases: ['layer_output'], ggml: 'l_out', shape: ['nTokens', 'nEmbd'], operation: 'add', inputs: ['post_attn_residual', 'moe_ffn_out'] },
  { ...modelStage, id: 'final_norm', title: 'FinalNorm', ggml: 'result_norm', shape: ['nTokens', 'nEmbd'], operation: 'rmsnorm', inputs: ['layer_input'], weights: ['output_norm'] },
  { ...modelStage, id: 'lm_head', title: 'LmHead', ggml: 'result_output', shape: ['nTokens', 'nVocab'], operation: 'matmul', inputs: ['final_norm'], weights: ['output'] },
] as const satisfies readonly StageSpec[];

type StageEntry = (typeof STAGES)[number];

export type StageId = StageEntry['id'];
/** The stages that a Qwen3-MoE model has: what both engines must implement. */
export type ActiveStageId = Exclude<StageEntry, { applies: false }>['id'];
export type LayerStageId = Extract<StageEntry, { applies: true; scope: 'layer' }>['id'];
export type ModelStageId = Extract<StageEntry, { applies: true; scope: 'model' }>['id'];

const byId: ReadonlyMap<string, StageSpec & { readonly id: StageId }> = new Map(STAGES.map((s) => [s.id, s]));

const orderById: ReadonlyMap<StageId, number> = new Map(STAGES.map((s, i) => [s.id, i]));

/** The stage's row of the table. */
export function stageSpec(id: StageId): StageSpec & { readonly id: StageId } {
  const spec = byId.get(id);
  if (spec === undefined) throw new RangeError(`no stage ${id}`);
  return spec;
}

/** Position in forward order; for sorting. */
export function stageOrder(id: StageId): number {
  return orderById.get(id) ?? STAGES.length;
}

export const LAYER_STAGES: readonly LayerStageId[] = STAGES.flatMap((s) =>
  s.applies && s.scope === 'layer' ? [s.id] : [],
);
export const MODEL_STAGES: readonly ModelStageId[] = STAGES.flatMap((s) =>
  s.applies && s.scope === 'model' ? [s.id] : [],
);
export const ACTIVE_STAGES: readonly ActiveStageId[] = STAGES.flatMap((s) => (s.applies ? [s.id] : []));
export const HEADLINE_STAGES: readonly ActiveStageId[] = STAGES.flatMap((s) => (s.applies && s.headline ? [s.id] : []));

/** Stages that a report may hold values of: those that run, and the joined ones of other tools and of earlier versions. */
export const SHOWN_STAGES: readonly StageId[] = STAGES.flatMap((s) => (s.applies || 'parts' in s ? [s.id] : []));

/** The stages that a name stands for: itself, or its parts. */
export function partsOf(id: StageId): readonly StageId[] {
  const { parts } = stageSpec(id);
  return parts === undefined ? [id] : ACTIVE_STAGES.filter((part) => parts.includes(part));
}

/** The stage named by an id, title or alias, ignoring case; undefined when there is none. */
export function findStage(name: string): StageId | undefined {
  const wanted = name.trim().toLowerCase();
  for (const s of STAGES) {
    const aliases: readonly string[] = s.aliases;
    if (s.id === wanted || s.title.toLowerCase() === wanted || aliases.includes(wanted)) return s.id;
  }
  return undefined;
}
