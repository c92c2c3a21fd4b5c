/*
 * Which stage a node of llama.cpp's graph is. Names alone do not tell: they change from release to release and some are wrong (one release
 * calls the SwiGLU's result by the name of the weighted products), and `Qcur-0` stands for three nodes. What a node reads does tell: a
 * product is the stage of its weight, whose name is the file's. Only where no weight is near does the node's name decide, with its operation.
 */

/** A node as far as naming needs it. */
export interface GraphNode {
  readonly name: string;
  /** `ggml_op_name`: MUL_MAT, ROPE ... */
  readonly op: string;
  /** What it reads, in order. */
  readonly sources: readonly GraphNode[];
}

/** A stage of the project's table, or `q_proj`, `k_proj`, `v_proj`. */
export interface NodeStage {
  readonly stage: string;
  /** Undefined for whole-model stages. */
  readonly layer: number | undefined;
}

/** An input that is captured when its reader has run: so a fused kernel that made it stays fused. */
export interface InputStage extends NodeStage {
  /** Which of the node's sources it is. */
  readonly source: number;
}

const PRODUCTS: Readonly<Record<string, string>> = {
  attn_q: 'q_proj',
  attn_k: 'k_proj',
  attn_v: 'v_proj',
  attn_output: 'attn_out',
  ffn_gate_inp: 'moe_router_logits',
  ffn_gate_exps: 'moe_expert_gate',
  ffn_up_exps: 'moe_expert_up',
  ffn_down_exps: 'moe_expert_out',
};
const NORMS: Readonly<Record<string, string>> = {
  attn_norm: 'attn_norm',
  attn_q_norm: 'q_norm',
  attn_k_norm: 'k_norm',
  ffn_norm: 'ffn_norm',
};
/** By name and operation, where no weight is near. */
const NAMED: Readonly<Record<string, { readonly ops: readonly string[]; readonly stage: string }>> = {
  ffn_inp: { ops: ['ADD'], stage: 'post_attn_residual' },
  l_out: { ops: ['ADD'], stage: 'post_ffn_residual' },
  ffn_moe_out: { ops: ['ADD', 'CONT'], stage: 'moe_ffn_out' },
  kqv_out: { ops: ['CONT', 'RESHAPE'], stage: 'attention' },
};
/** Rotated stages by the stage that they rotate. */
const ROTATED: Readonly<Record<string, string>> = {
  q_norm: 'q_post_rope',
  q_proj: 'q_post_rope',
  k_norm: 'k_post_rope',
  k_proj: 'k_post_rope',
};

/** Operations that only look at their first source in another way. */
const VIEWS: ReadonlySet<string> = new Set(['VIEW', 'RESHAPE', 'PERMUTE', 'TRANSPOSE', 'CONT', 'CPY']);
const MOST_VIEWS = 8;

/** The stage that a node computes; undefined for all other nodes. */
export function stageOfNode(node: GraphNode): NodeStage | undefined {
  const [first, second] = node.sources;
  switch (node.op) {
    case 'GET_ROWS':
      return first?.name === 'token_embd.weight' ? { stage: 'embedding', layer: undefined } : undefined;
    case 'MUL_MAT':
    case 'MUL_MAT_ID':
      return productStage(first);
    case 'MUL':
      return normStage(second);
    case 'GLU': {
      const gate = originOf(first);
      return gate?.stage === 'moe_expert_gate' ? { stage: 'moe_expert_swigl', layer: gate.layer } : undefined;
    }
    case 'ROPE': {
      const rotated = originOf(first);
      const stage = ROTATED[rotated?.stage ?? ''];
      return stage === undefined ? undefined : { stage, layer: rotated?.layer };
    }
    case 'SOFT_MAX': {
      const scores = originOf(first);
      if (scores?.stage === 'attn_scores') return { stage: 'attn_softmax', layer: scores.layer };
      return scores?.stage === 'moe_router_logits' ? { stage: 'moe_router_probs', layer: scores.layer } : undefined;
    }
    default:
      return namedStage(node);
  }
}

/** Stages that are read as inputs of this node. */
export function inputStages(node: GraphNode): readonly InputStage[] {
  const [first] = node.sources;
  if (node.op === 'MUL_MAT_ID') {
    const own = productStage(first);
    return own?.stage === 'moe_expert_gate' ? [{ stage: 'moe_router_indices', layer: own.layer, source: 2 }] : [];
  }
  if (isWeighted(node)) return [{ stage: 'moe_router', layer: originOf(first)?.layer, source: 1 }];
  return [];
}

/** Whether a node must be computed and shown by itself. */
export function isWanted(node: GraphNode): boolean {
  return isWeighted(node) || stageOfNode(node) !== undefined;
}

/** The experts' results times the router's weights. */
function isWeighted({ op, sources }: GraphNode): boolean {
  return op === 'MUL' && originOf(sources[0])?.stage === 'moe_expert_out';
}

function productStage(weight: GraphNode | undefined): NodeStage | undefined {
  if (weight === undefined) return undefined;
  // The head; `token_embd.weight` where the file ties the two.
  if (weight.name === 'output.weight' || weight.name === 'token_embd.weight')
    return { stage: 'lm_head', layer: undefined };
  const found = weightOf(weight.name);
  const stage = PRODUCTS[found?.role ?? ''];
  if (stage !== undefined) return { stage, layer: found?.layer };
  // Keys times queries: the keys are a view of the cache.
  const cache = /^cache_k_l(\d+)/.exec(rootOf(weight).name);
  return cache === null ? undefined : { stage: 'attn_scores', layer: Number(cache[1]) };
}

function normStage(weight: GraphNode | undefined): NodeStage | undefined {
  if (weight?.name === 'output_norm.weight') return { stage: 'final_norm', layer: undefined };
  const found = weightOf(weight?.name ?? '');
  const stage = NORMS[found?.role ?? ''];
  return stage === undefined ? undefined : { stage, layer: found?.layer };
}

function namedStage({ name, op }: GraphNode): NodeStage | undefined {
  const match = /^(\w+?)-(\d{1,6})(?: \(reshaped\))?$/.exec(name);
  const known = NAMED[match?.[1] ?? ''];
  return known?.ops.includes(op) === true ? { stage: known.stage, layer: Number(match?.[2]) } : undefined;
}

/** `blk.3.attn_q.weight` */
function weightOf(name: string): { readonly role: string; readonly layer: number } | undefined {
  const match = /^blk\.(\d{1,6})\.(\w+)\.weight$/.exec(name);
  return match?.[2] === undefined ? undefined : { role: match[2], layer: Number(match[1]) };
}

/** The stage that a node shows, seen through views. */
function originOf(node: GraphNode | undefined): NodeStage | undefined {
  return node === undefined ? undefined : stageOfNode(rootOf(node));
}

function rootOf(node: GraphNode): GraphNode {
  let root = node;
  for (let i = 0; i < MOST_VIEWS && VIEWS.has(root.op) && root.sources[0] !== undefined; i++) root = root.sources[0];
  return root;
}
