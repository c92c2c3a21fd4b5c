import type { ModelGraph, Node, Section, WeightSlot } from '../../src/arch/graph';
import type { RopeScaling } from '../../src/arch/operations';

/** What implementations of an architecture get wrong. */
export interface Mistake {
  readonly what: string;
  /** The layer that has it, and the stage that has to be blamed. */
  readonly layer: number;
  readonly stage: string;
  /** The nodes of that layer as they are wrongly computed. */
  readonly change: (node: Node, section: Section) => Node;
}

/** A forward pass with a mistake. */
export function withMistake(graph: ModelGraph, { layer, change }: Mistake): ModelGraph {
  const layers = graph.layers.map((section) =>
    section.layer === layer ? { ...section, nodes: section.nodes.map((node) => change(node, section)) } : section,
  );
  return { ...graph, layers };
}

type Change = (node: Node, section: Section) => Node;

/** The nodes of some stages, changed. */
const at = (stages: string | readonly string[], change: Change): Pick<Mistake, 'stage' | 'change'> => {
  const all = typeof stages === 'string' ? [stages] : stages;
  return {
    stage: all[0] ?? '',
    change: (node, section) => (all.includes(node.out.id) ? change(node, section) : node),
  };
};

/** Other attributes. The tables below give each operation its own. */
const attrs =
  (
    changed: Readonly<Record<string, unknown>> | ((attrs: Record<string, unknown>) => Record<string, unknown>),
  ): Change =>
  (node) => {
    const own: Record<string, unknown> = { ...node.attrs };
    return { ...node, attrs: typeof changed === 'function' ? changed(own) : { ...own, ...changed } } as unknown as Node;
  };

/** The first weight of a node, changed. */
const weight =
  (change: (slot: WeightSlot) => WeightSlot): Change =>
  (node) => ({ ...node, weights: node.weights.map(change) });

const noBias = weight((slot) => ({ ...slot, bias: undefined }));
const noWeights: Change = (node) => ({ ...node, weights: [] });

/** Another operation on the same inputs. */
const op =
  (name: Node['op'], of: object = {}): Change =>
  (node) =>
    ({ ...node, op: name, attrs: of, weights: [] }) as unknown as Node;

/** Another value of the section in place of an input. */
const input =
  (place: number, id: string): Change =>
  (node, section) => {
    const other = section.nodes.find(({ out }) => out.id === id)?.out;
    if (other === undefined) throw new Error(`no value ${id}`);
    return { ...node, inputs: node.inputs.map((value, i) => (i === place ? { ...other, axes: value.axes } : value)) };
  };

/** A choice among all, whatever groups are chosen. */
const withoutGroups: Change = (node) => ({ ...node, inputs: node.inputs.slice(0, 1), attrs: {} }) as unknown as Node;

const ROPES = ['q_post_rope', 'k_post_rope'] as const;
const ropes = (layer: number, what: string, change: Change): Mistake => ({ what, layer, ...at(ROPES, change) });
const scaling = (change: (of: RopeScaling) => RopeScaling | undefined): Change =>
  attrs((own) => ({ ...own, scaling: change(own['scaling'] as RopeScaling) }));

const NO_YARN = scaling(() => undefined);
const YARN_AS_LINEAR = scaling(({ factor, attnFactor }) => ({ kind: 'linear', factor, attnFactor }));
const NO_MAGNITUDE = scaling((of) => ({ ...of, attnFactor: of.attnFactor / (1 + 0.1 * Math.log(of.factor)) }));
/** Where scores have it: rotations have it on top. */
const NO_MAGNITUDE_ELSEWHERE = scaling((of) => ({
  ...of,
  attnFactor: of.attnFactor * (1 + 0.1 * Math.log(of.factor)),
}));
const otherPairing = attrs(({ pairing, ...own }) => ({ ...own, pairing: pairing === 'neox' ? 'norm' : 'neox' }));

/** Two inputs of a node in place of each other. */
const swapped: Change = (node) => ({ ...node, inputs: node.inputs.toReversed() });

/** What dense models get wrong, whose heads are not nEmbd / nHead wide. */
const DENSE: readonly Mistake[] = [
  ropes(0, 'rotary pairs of the other kind', otherPairing),
  ropes(1, 'a rotary base of 10,000', attrs({ theta: 10_000 })),
  {
    what: 'scores scaled as if heads were nEmbd / nHead wide',
    layer: 2,
    ...at('attn_scores', attrs({ divisor: Math.sqrt(8) })),
  },
  { what: 'gate and up in place of each other', layer: 0, ...at('ffn_swigl', swapped) },
  { what: 'the feed-forward block of the first norm', layer: 1, ...at(['ffn_gate', 'ffn_up'], input(0, 'attn_norm')) },
  { what: 'an eps of 1e-5 for 1e-6', layer: 0, ...at('attn_norm', attrs({ eps: 1e-5 })) },
  { what: 'no residual around attention', layer: 2, ...at('post_ffn_residual', input(0, 'attn_out')) },
];

const PE = ['k_pe', 'q_pe'] as const;
const latentRopes = (layer: number, what: string, change: Change): Mistake => ({ what, layer, ...at(PE, change) });

/** What implementations of latent attention get wrong. */
const LATENT: readonly Mistake[] = [
  latentRopes(0, 'rotary pairs of halves', otherPairing),
  latentRopes(1, 'no YaRN', NO_YARN),
  latentRopes(2, 'the magnitude of YaRN in rotations as well', NO_MAGNITUDE_ELSEWHERE),
  {
    what: 'no magnitude of YaRN in the scores',
    layer: 1,
    ...at('attn_scores', attrs({ divisor: Math.sqrt(32) })),
  },
  {
    what: 'scores scaled by what is kept of a key',
    layer: 0,
    ...at(
      'attn_scores',
      attrs(({ divisor }) => ({ divisor: Number(divisor) * Math.sqrt(44 / 32) })),
    ),
  },
  { what: 'no norm of the latent', layer: 2, ...at('kv_cmpr', op('scale', { factor: 1 })) },
  { what: 'values taken from before the norm', layer: 1, ...at('v_mla', input(0, 'kv_cmpr_proj')) },
  { what: 'the rotated channels of another head first', layer: 0, ...at('q_nope', attrs({ first: 12 })) },
];

/** By golden model, or by model of `arch-model.ts`. `npm run docs` writes them into docs/faults.md. */
export const MISTAKES: Readonly<Record<string, readonly Mistake[]>> = {
  'gpt-oss': [
    { what: 'no attention sinks', layer: 0, ...at('attn_softmax', noWeights) },
    { what: 'no sliding window', layer: 2, ...at(['attn_softmax', 'attention'], attrs({ window: undefined })) },
    { what: 'a window one too wide', layer: 0, ...at(['attn_softmax', 'attention'], attrs({ window: 6 })) },
    {
      what: 'a window in the layer that has none',
      layer: 1,
      ...at(['attn_softmax', 'attention'], attrs({ window: 5 })),
    },
    { what: 'no bias of queries, keys and values', layer: 1, ...at(['q_proj', 'k_proj', 'v_proj'], noBias) },
    { what: 'no bias of the output projection', layer: 2, ...at('attn_out', noBias) },
    { what: 'no bias of the router', layer: 0, ...at('moe_router_probs', noBias) },
    { what: "no biases of the experts' gate and up", layer: 1, ...at(['moe_expert_gate', 'moe_expert_up'], noBias) },
    { what: "no bias of the experts' down", layer: 1, ...at('moe_expert_out', noBias) },
    { what: 'a plain SwiGLU', layer: 0, ...at('moe_expert_swigl', op('swiglu')) },
    { what: 'a SwiGLU that is not clamped', layer: 0, ...at('moe_expert_swigl', attrs({ limit: 1e30 })) },
    { what: 'a SwiGLU with alpha 1', layer: 2, ...at('moe_expert_swigl', attrs({ alpha: 1 })) },
    {
      what: 'the logits of the chosen experts as their weights',
      layer: 1,
      ...at('moe_router', op('scale', { factor: 1 })),
    },
    ropes(0, 'no YaRN', NO_YARN),
    ropes(1, 'YaRN taken for linear scaling', YARN_AS_LINEAR),
    ropes(2, 'no magnitude of YaRN', NO_MAGNITUDE),
    ropes(0, 'rotary pairs of neighbours', otherPairing),
  ],
  glm4moe: [
    ropes(0, 'rotation of whole heads', attrs({ dims: 24 })),
    ropes(2, 'rotary pairs of neighbours', otherPairing),
    { what: 'no bias of queries, keys and values', layer: 0, ...at(['q_proj', 'k_proj', 'v_proj'], noBias) },
    { what: 'no bias of the selection', layer: 1, ...at('moe_router_indices', input(0, 'moe_router_probs')) },
    {
      what: 'weights from the biased values',
      layer: 2,
      ...at('moe_router_unscaled', input(0, 'moe_router_probs_biased')),
    },
    { what: 'no scale of the weights', layer: 1, ...at('moe_router', attrs({ factor: 1 })) },
    { what: 'weights that are not renormalised', layer: 2, ...at('moe_router_unscaled', attrs({ divisor: 'one' })) },
    { what: 'a softmax for the sigmoid', layer: 1, ...at('moe_router_probs', op('softmax', { mask: 'none' })) },
    { what: 'no shared expert', layer: 2, ...at('ffn_out', input(1, 'moe_ffn_out')) },
    { what: 'the shared expert of another norm', layer: 1, ...at(['ffn_gate', 'ffn_up'], input(0, 'attn_norm')) },
  ],
  'minimax-m2': [
    ropes(1, 'rotation of whole heads', attrs({ dims: 24 })),
    ropes(0, 'rotary pairs of neighbours', otherPairing),
    { what: 'no norm of queries', layer: 0, ...at('q_norm', op('scale', { factor: 1 })) },
    { what: 'no norm of keys', layer: 1, ...at('k_norm', op('scale', { factor: 1 })) },
    { what: 'no bias of the selection', layer: 0, ...at('moe_router_indices', input(0, 'moe_router_probs')) },
    { what: 'weights from the biased values', layer: 1, ...at('moe_router', input(0, 'moe_router_probs_biased')) },
    { what: 'weights that are not renormalised', layer: 0, ...at('moe_router', attrs({ divisor: 'one' })) },
    { what: 'a softmax for the sigmoid', layer: 1, ...at('moe_router_probs', op('softmax', { mask: 'none' })) },
    { what: 'an eps of 1e-5 for 1e-6', layer: 0, ...at('attn_norm', attrs({ eps: 1e-5 })) },
  ],
  qwen3: [
    ...DENSE,
    { what: 'no norm of queries', layer: 0, ...at('q_norm', op('scale', { factor: 1 })) },
    { what: 'no norm of keys', layer: 1, ...at('k_norm', op('scale', { factor: 1 })) },
    ropes(2, 'no YaRN', NO_YARN),
  ],
  llama: [
    ...DENSE,
    ropes(2, 'no factors of the rotary frequencies', noWeights),
    { what: 'no factors of the rotary frequencies of keys', layer: 0, ...at('k_post_rope', noWeights) },
  ],
  'deepseek2-lite': [
    ...LATENT,
    { what: 'weights that are renormalised', layer: 1, ...at('moe_router', attrs({ divisor: 'sum' })) },
    { what: 'no shared expert', layer: 2, ...at('ffn_out', input(1, 'moe_ffn_out')) },
  ],
  'deepseek2-v3': [
    ...LATENT,
    { what: 'no norm of the rank of queries', layer: 0, ...at('q_a_norm', op('scale', { factor: 1 })) },
    { what: 'no bias of the selection', layer: 1, ...at('moe_group_scores', input(0, 'moe_router_probs')) },
    {
      what: 'no bias of the selection within groups',
      layer: 2,
      ...at('moe_router_indices', input(0, 'moe_router_probs')),
    },
    { what: 'no groups', layer: 1, ...at('moe_router_indices', withoutGroups) },
    {
      what: 'weights from the biased values',
      layer: 1,
      ...at('moe_router_unscaled', input(0, 'moe_router_probs_biased')),
    },
    { what: 'no scale of the weights', layer: 2, ...at('moe_router', attrs({ factor: 1 })) },
    { what: 'weights that are not renormalised', layer: 1, ...at('moe_router_unscaled', attrs({ divisor: 'one' })) },
    { what: 'a softmax for the sigmoid', layer: 2, ...at('moe_router_probs', op('softmax', { mask: 'none' })) },
  ],
};
