import { ARCHITECTURES } from '../arch/architectures';
import { dependencies, type ModelGraph, type Node, type Section, type WeightSlot } from '../arch/graph';
import type { OpName } from '../arch/operations';

/**
 * THE STAGES: the named points of the forward pass of every architecture, in forward order, as their graphs have them. Menus, command line,
 * file names and the reading of files derive from them; what one model computes is `graph-of.ts`'s.
 */

/** A stage's name: an id of {@link STAGES}. */
export type StageId = string;

/** Symbolic axis lengths of a stage's tensor. `nTokens` is the axis that `positions` selects from. */
export type { Dim } from '../arch/graph';

/** A weight's name in its layer: `attn_q`. */
export type WeightRole = string;

export interface StageSpec {
  readonly id: StageId;
  /** How people see it: MoeRouter, MoeFfnOut. */
  readonly title: string;
  /** Other accepted names. */
  readonly aliases: readonly string[];
  /** The names of the same tensor in llama.cpp's graphs, where there are any; `Qcur_proj`, `Kcur_proj` where it calls two of them Qcur. */
  readonly ggml: readonly string[];
  /** `layer`: once per transformer block. `model`: once. */
  readonly scope: 'layer' | 'model';
  /** C order. */
  readonly shape: readonly string[];
  readonly values: 'float' | 'index';
  /** What computes it; decides its kernel and its error bound. `none`: nothing does. */
  readonly operation: OpName | 'none';
  /** The stages whose values it reads; `layer_input` is the embedding or the previous layer's `post_ffn_residual`. */
  readonly inputs: readonly StageId[];
  readonly weights: readonly WeightRole[];
  /** Shown above the others. */
  readonly headline: boolean;
  /** The stages that a name of other tools stands for, side by side in its rows. It is read and written, and never computed. */
  readonly parts?: readonly StageId[];
}

/** The stage that a node of a graph computes. */
export function specOf(node: Node, scope: StageSpec['scope']): StageSpec {
  const { out, title, aliases, ggml, op, weights, headline } = node;
  return {
    id: out.id,
    title,
    aliases,
    ggml: ggml === '' ? [] : [ggml],
    scope,
    shape: out.axes,
    values: out.kind,
    operation: op,
    inputs: dependencies(node).map(({ id }) => id),
    weights: weights.map(({ role }) => role),
    headline,
  };
}

/** Names that other tools have for stages and that no architecture here computes, each with the stage that it stands behind. */
const OTHER_NAMES: readonly (Pick<StageSpec, 'id' | 'title'> & Partial<StageSpec> & { readonly behind: StageId })[] = [
  { id: 'qkv_matmul', title: 'QkvMatmul', behind: 'v_proj', parts: ['q_proj', 'k_proj', 'v_proj'] },
  { id: 'qkv_bias', title: 'QkvBias', behind: 'qkv_matmul' },
  { id: 'ffn_gate', title: 'FfnGate', ggml: ['ffn_gate'], behind: 'moe_ffn_out' },
  { id: 'ffn_up', title: 'FfnUp', ggml: ['ffn_up'], behind: 'ffn_gate' },
  { id: 'ffn_silu', title: 'FfnSilu', behind: 'ffn_up' },
  { id: 'ffn_swigl', title: 'FfnSwigl', aliases: ['ffn_swiglu'], ggml: ['ffn_swiglu'], behind: 'ffn_silu' },
  { id: 'ffn_out', title: 'FfnOut', ggml: ['ffn_out'], behind: 'ffn_swigl' },
];

/** A graph of each architecture with every section that it can have. */
const GRAPHS: readonly ModelGraph[] = ARCHITECTURES.map((arch) => arch.graph(arch.sample));

function allStages(): readonly StageSpec[] {
  const embed: StageSpec[] = [];
  const layer: StageSpec[] = [];
  const head: StageSpec[] = [];
  for (const graph of GRAPHS) {
    mergeStages(embed, graph.embed);
    for (const section of graph.layers) mergeStages(layer, section);
    mergeStages(head, graph.head);
  }
  for (const { behind, ...other } of OTHER_NAMES) {
    if (layer.some(({ id }) => id === other.id)) continue;
    layer.splice(layer.findIndex(({ id }) => id === behind) + 1, 0, { ...NOT_COMPUTED, ...other });
  }
  return [...embed, ...layer, ...head];
}

const NOT_COMPUTED = {
  aliases: [],
  ggml: [],
  scope: 'layer',
  shape: [],
  values: 'float',
  operation: 'none',
  inputs: [],
  weights: [],
  headline: false,
} as const satisfies Partial<StageSpec>;

/** Adds the stages of a section, each behind the one that it follows there. */
function mergeStages(stages: StageSpec[], { layer, nodes }: Section): void {
  let at = 0;
  for (const node of nodes) {
    const index = stages.findIndex(({ id }) => id === node.out.id);
    const known = stages[index];
    if (known === undefined) stages.splice(at, 0, specOf(node, layer === undefined ? 'model' : 'layer'));
    else if (node.ggml !== '' && !known.ggml.includes(node.ggml)) {
      stages[index] = { ...known, ggml: [...known.ggml, node.ggml] };
    }
    at = (known === undefined ? at : index) + 1;
  }
}

/** Every stage of every architecture, and the names that are accepted beside them; forward order. Of two that share one, the first's words count. */
export const STAGES: readonly StageSpec[] = allStages();

const byId: ReadonlyMap<string, StageSpec> = new Map(STAGES.map((spec) => [spec.id, spec]));
const orderById: ReadonlyMap<string, number> = new Map(STAGES.map(({ id }, i) => [id, i]));
const byName: ReadonlyMap<string, StageId> = new Map(
  STAGES.flatMap(({ id, title, aliases }) => [id, title, ...aliases].map((name) => [name.toLowerCase(), id] as const)),
);

/** What a stage is, in the first architecture that has it. @throws RangeError where none does */
export function stageSpec(id: StageId): StageSpec {
  const spec = byId.get(id);
  if (spec === undefined) throw new RangeError(`no stage ${id}`);
  return spec;
}

/** Position in forward order; for sorting. */
export function stageOrder(id: StageId): number {
  return orderById.get(id) ?? STAGES.length;
}

const FIRST_OF_LAYERS = STAGES.findIndex(({ scope }) => scope === 'layer');

/** Whether a stage of the whole model comes before its layers: the embedding. */
export function isBeforeLayers(id: StageId): boolean {
  return stageOrder(id) < FIRST_OF_LAYERS;
}

/** The stages that some architecture computes. */
export const COMPUTED_STAGES: readonly StageId[] = STAGES.flatMap(({ id, operation }) =>
  operation === 'none' ? [] : [id],
);

/** The weights of the layers of every architecture, in forward order; of two that share a role, the first's. */
export const LAYER_WEIGHTS: readonly Pick<WeightSlot, 'role' | 'dims' | 'flat'>[] = layerWeights();

function layerWeights(): readonly WeightSlot[] {
  const nodes = GRAPHS.flatMap(({ layers }) => layers.flatMap((layer) => layer.nodes));
  const slots = nodes.toSorted((a, b) => stageOrder(a.out.id) - stageOrder(b.out.id)).flatMap(({ weights }) => weights);
  const first = new Map<string, WeightSlot>();
  for (const slot of slots) if (!first.has(slot.role)) first.set(slot.role, slot);
  return [...first.values()];
}

/** Stages that a report may hold values of: those that run, and the joined ones of other tools and of earlier versions. */
export const SHOWN_STAGES: readonly StageId[] = STAGES.flatMap(({ id, operation, parts }) =>
  operation === 'none' && parts === undefined ? [] : [id],
);

/** The stages that a name stands for: itself, or its parts. */
export function partsOf(id: StageId): readonly StageId[] {
  return stageSpec(id).parts ?? [id];
}

/** The stage named by an id, title or alias, ignoring case; undefined when there is none. */
export function findStage(name: string): StageId | undefined {
  return byName.get(name.trim().toLowerCase());
}
