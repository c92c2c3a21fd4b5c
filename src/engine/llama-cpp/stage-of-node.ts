import { sectionsOf, type Node } from '../../arch/graph';
import type { OpName } from '../../arch/operations';
import { graphOf } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import { CHOSEN_EXPERTS, CHOSEN_GROUPS, GROUP_SCORES, ROUTER_RANKS, ROUTER_WEIGHTS } from '../../model/stage-roles';

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

/** What stages of a model are called in llama.cpp's graph. Plain data: it goes to the child process. */
export interface GraphNames {
  /** Stages of products and of norms by the role of their weight: `attn_q`. */
  readonly byWeight: Readonly<Record<string, string>>;
  /** Stages where no weight is near, by the node's name and its operation: `ADD ffn_inp`. */
  readonly byName: Readonly<Record<string, string>>;
  /** Stages that are others times a number, by these: such a node may have no name. */
  readonly scaled: Readonly<Record<string, string>>;
}

/** ggml's operations of the graph's: of those that a name alone tells. */
const NAMED_OPS: Readonly<Partial<Record<OpName, readonly string[]>>> = {
  add: ['ADD'],
  multiply: ['MUL'],
  shift: ['ADD'],
  sigmoid: ['UNARY'],
  scale: ['SCALE'],
  'weighted-sum': ['ADD', 'CONT'],
  // A product where latent attention's values are a part of the kept keys.
  'attention-values': ['CONT', 'RESHAPE', 'MUL_MAT'],
  'head-linear': ['PERMUTE', 'CONT'],
  rope: ['ROPE'],
  slice: ['VIEW', 'RESHAPE'],
  concat: ['CONCAT'],
  normalise: ['DIV', 'GET_ROWS'],
  'top-k': ['VIEW'],
};

/** Stages that are captured as inputs of what reads them. */
const AS_INPUTS: ReadonlySet<string> = new Set([ROUTER_WEIGHTS, CHOSEN_EXPERTS]);

/** The names of a model's stages, of its own graph. */
export function graphNames(hparams: HParams): GraphNames {
  const nodes = sectionsOf(graphOf(hparams).graph).flatMap((section) => section.nodes);
  const byWeight = nodes.flatMap((node): (readonly [string, string])[] =>
    ['rows', 'linear', 'expert-linear', 'rmsnorm'].includes(node.op)
      ? node.weights.map(({ role }) => [role, node.out.id] as const)
      : [],
  );
  const byName = nodes.flatMap((node) =>
    AS_INPUTS.has(node.out.id)
      ? []
      : namesOf(node, nodes).flatMap((name) => opsOf(node, nodes).map((op) => [`${op} ${name}`, node.out.id] as const)),
  );
  const scaled = nodes.flatMap(({ op, inputs: [input], out }) =>
    op === 'scale' && input !== undefined ? [[input.id, out.id] as const] : [],
  );
  return {
    byWeight: Object.fromEntries(byWeight),
    byName: Object.fromEntries(byName),
    scaled: Object.fromEntries(scaled),
  };
}

/** A part that is another view of its row is told by its name alone, so that name must be no other stage's. */
function opsOf({ op, ggml, out }: Node, nodes: readonly Node[]): readonly string[] {
  const isShared = op === 'slice' && nodes.some((node) => node.ggml === ggml && node.out.id !== out.id);
  return isShared ? ['VIEW'] : (NAMED_OPS[op] ?? []);
}

/** What a node is called there. A part of a row that is normed or rotated goes by the name of what is made of it. */
function namesOf({ op, ggml, out }: Node, nodes: readonly Node[]): readonly string[] {
  const readers = op === 'slice' ? nodes.filter(({ inputs }) => inputs.some(({ id }) => id === out.id)) : [];
  const made = readers.filter((node) => node.op === 'rope' || node.op === 'rmsnorm').map((node) => node.ggml);
  return [...new Set([ggml, ...made])].filter((name) => name !== '');
}

/** Rotated stages by the stage that they rotate. */
const ROTATED: Readonly<Record<string, string>> = {
  q_norm: 'q_post_rope',
  q_proj: 'q_post_rope',
  k_norm: 'k_post_rope',
  k_proj: 'k_post_rope',
};

/** Operations that only look at their first source in another way. */
const VIEWS: ReadonlySet<string> = new Set(['VIEW', 'RESHAPE', 'PERMUTE', 'TRANSPOSE', 'CONT', 'CPY']);
/** Those, and operations that only pick or repeat rows. */
const ROWS: ReadonlySet<string> = new Set([...VIEWS, 'GET_ROWS', 'REPEAT']);
const MOST_VIEWS = 8;

/** Gated stages by the stage of their gate. */
const GATED: Readonly<Record<string, string>> = { moe_expert_gate: 'moe_expert_swigl', ffn_gate: 'ffn_swigl' };

/** The stage that a node computes; undefined for all other nodes. What a bias or a scale is joined to is the stage behind it. */
export function stageOfNode(node: GraphNode, names: GraphNames): NodeStage | undefined {
  const [first, second] = node.sources;
  switch (node.op) {
    case 'GET_ROWS':
      return first?.name === 'token_embd.weight' ? weightStage(first, names) : namedStage(node, names);
    case 'MUL_MAT':
      return productStage(first, names, second) ?? namedStage(node, names);
    case 'MUL_MAT_ID':
      return productStage(first, names);
    case 'ADD_ID':
      return joined(node, names);
    case 'ADD':
      return joined(node, names) ?? namedStage(node, names);
    case 'MUL':
      return joined(node, names) ?? weightStage(second, names) ?? namedStage(node, names);
    case 'GLU': {
      const gate = originOf(first, names);
      const stage = GATED[gate?.stage ?? ''];
      return stage === undefined ? undefined : { stage, layer: gate?.layer };
    }
    case 'ROPE': {
      const rotated = originOf(first, names);
      const stage = ROTATED[rotated?.stage ?? ''];
      return stage === undefined ? namedStage(node, names) : { stage, layer: rotated?.layer };
    }
    case 'SOFT_MAX': {
      const scores = originOf(first, names);
      if (scores?.stage === 'attn_scores') return { stage: 'attn_softmax', layer: scores.layer };
      return scores?.stage === 'moe_router_logits' ? { stage: 'moe_router_probs', layer: scores.layer } : undefined;
    }
    case 'SCALE': {
      // The last layer picks the rows that have logits.
      const of = originOf(first, names) ?? (first && stageOfNode(rootOf(first, ROWS), names));
      const stage = names.scaled[of?.stage ?? ''];
      return stage === undefined ? namedStage(node, names) : { stage, layer: of?.layer };
    }
    case 'SUM_ROWS':
      return groupScores(first, names);
    default:
      return namedStage(node, names);
  }
}

/** Stages that are read as inputs of this node. */
export function inputStages(node: GraphNode, names: GraphNames): readonly InputStage[] {
  const [first] = node.sources;
  if (node.op === 'MUL_MAT_ID') {
    const own = productStage(first, names);
    return own?.stage === 'moe_expert_gate' ? [{ stage: 'moe_router_indices', layer: own.layer, source: 2 }] : [];
  }
  if (isWeighted(node, names)) return [{ stage: 'moe_router', layer: originOf(first, names)?.layer, source: 1 }];
  return [];
}

/** Whether a node must be computed and shown by itself. */
export function isWanted(node: GraphNode, names: GraphNames): boolean {
  return isWeighted(node, names) || stageOfNode(node, names) !== undefined;
}

/** The experts' results times the router's weights. */
function isWeighted(node: GraphNode, names: GraphNames): boolean {
  const { op, sources } = node;
  return op === 'MUL' && joined(node, names) === undefined && originOf(sources[0], names)?.stage === 'moe_expert_out';
}

/** The stage of a product that gets its bias or its scale here: of each expert's own, the rows that were chosen. */
function joined({ sources: [first, second] }: GraphNode, names: GraphNames): NodeStage | undefined {
  const tensor = second === undefined ? undefined : rootOf(second, ROWS);
  const own = weightStage(tensor, names, ['bias', 'scale']);
  // A bias that experts are chosen with is no part of a product.
  return own !== undefined && originOf(first, names)?.stage === own.stage ? own : undefined;
}

/** Sums of the best experts of each group, which have no name: those of rows that were picked of what experts are ranked by. */
function groupScores(summed: GraphNode | undefined, names: GraphNames): NodeStage | undefined {
  if (summed === undefined || !Object.values(names.byName).includes(CHOSEN_GROUPS)) return undefined;
  const picked = rootOf(summed);
  // The chosen experts' weights are summed too.
  if (picked.op !== 'GET_ROWS' || picked.name.startsWith('ffn_moe_weights')) return undefined;
  const ranked = originOf(picked.sources[0], names);
  return ranked !== undefined && ROUTER_RANKS.includes(ranked.stage)
    ? { stage: GROUP_SCORES, layer: ranked.layer }
    : undefined;
}

function productStage(weight: GraphNode | undefined, names: GraphNames, factor?: GraphNode): NodeStage | undefined {
  if (weight === undefined) return undefined;
  // The head; `token_embd.weight` where the file ties the two.
  if (weight.name === 'token_embd.weight') return weightStage({ ...weight, name: 'output.weight' }, names);
  const known = weightStage(weight, names);
  if (known !== undefined) return known;
  // Keys times queries: the keys are a view of the cache. Latent attention's values are one of the kept keys too.
  if (factor !== undefined && rootOf(factor).op === 'SOFT_MAX') return undefined;
  const cache = /^cache_k_l(\d+)/.exec(rootOf(weight).name);
  return cache === null ? undefined : { stage: 'attn_scores', layer: Number(cache[1]) };
}

/** The stage that reads a tensor of the file, `blk.3.attn_q.weight` or `output.weight`: a weight, or of these kinds. */
function weightStage(
  tensor: GraphNode | undefined,
  names: GraphNames,
  kinds: readonly string[] = ['weight'],
): NodeStage | undefined {
  const [, layer, role = '', kind = ''] = /^(?:blk\.(\d{1,6})\.)?(\w+)\.(\w+)$/.exec(tensor?.name ?? '') ?? [];
  const stage = kinds.includes(kind) ? names.byWeight[role] : undefined;
  return stage === undefined ? undefined : { stage, layer: layerOf(layer) };
}

function namedStage({ name, op }: GraphNode, names: GraphNames): NodeStage | undefined {
  const match = /^(\w+?)(?:-(\d{1,6}))?(?: \(reshaped\))?$/.exec(name);
  const stage = names.byName[`${op} ${match?.[1] ?? ''}`];
  return stage === undefined ? undefined : { stage, layer: layerOf(match?.[2]) };
}

function layerOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

/** The stage that a node shows, seen through views. */
function originOf(node: GraphNode | undefined, names: GraphNames): NodeStage | undefined {
  return node === undefined ? undefined : stageOfNode(rootOf(node), names);
}

function rootOf(node: GraphNode, through: ReadonlySet<string> = VIEWS): GraphNode {
  let root = node;
  for (let i = 0; i < MOST_VIEWS && through.has(root.op) && root.sources[0] !== undefined; i++) root = root.sources[0];
  return root;
}
