import { describe, expect, it } from 'vitest';
import { olmoe } from '../../src/arch/olmoe';
import { qwen3moe } from '../../src/arch/qwen3moe';
import { type ModelGraph, type Node } from '../../src/arch/graph';
import { SINGLE_HEADS } from '../../src/fusions/attention/attention-plan';
import type { Operand, PlanFacts } from '../../src/fusions/fusion';
import { planToken, type PlannedNodes, type TokenPlan, type Uncovered } from '../../src/fusions/plan-token';
import { kernelName } from '../../src/ops/kernel-spec';
import { exampleGraph } from '../arch/support';
import { factsOf } from './facts';

const GRAPH = exampleGraph(qwen3moe);

/** The graph with a node of a layer changed. */
function changed(id: string, change: (node: Node) => unknown, layer = 0): ModelGraph {
  const layers = GRAPH.layers.map((one) =>
    one.layer === layer ? { ...one, nodes: one.nodes.map((node) => (node.out.id === id ? change(node) : node)) } : one,
  );
  return { ...GRAPH, layers } as ModelGraph;
}

const withAttr = (attrs: object) => (node: Node) => ({ ...node, attrs: { ...node.attrs, ...attrs } });

function operandText(operand: Operand, { buffer }: PlannedNodes): string {
  switch (operand.kind) {
    case 'values':
      return buffer(operand.placed);
    case 'vector':
      return operand.slot.name;
    case 'tile':
      return `${operand.slot.name}[${operand.tile}]`;
    case 'stack':
      return `${operand.slots.map(({ role }) => role).join('+')}[${operand.stack}]`;
    case 'state':
      return `state ${operand.slot.name}`;
    case 'scratch':
      return operand.name;
    default:
      return operand.kind;
  }
}

/** A plan as text: a line a dispatch. */
function printed(plan: TokenPlan): string {
  const [, { method } = { method: undefined }] = SINGLE_HEADS;
  if (method === undefined) throw new Error('no method');
  const lines = plan.parts.flatMap((part) => [
    `${part.fusion}: ${part.nodes.map(({ out }) => out.id).join(' ')}`,
    ...part.dispatchesIn(method).map(({ kernel, bindings, params, grid }) => {
      const bound = Object.entries(bindings).map(([name, operand]) => `${name}=${operandText(operand, part)}`);
      const given = Object.entries(params).map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`);
      return `  ${kernelName(kernel)} [${grid.map((n) => n ?? 'splits').join(' ')}] ${bound.join(', ')}; ${given.join(', ')}`;
    }),
  ]);
  const buffers = [...plan.buffers].map(([name, words]) => `${name}: ${words} words`);
  return [...lines, '', ...buffers, ''].join('\n');
}

describe('planToken', () => {
  it('covers qwen3moe: what its printed plan says', async () => {
    const plan = planToken(factsOf(GRAPH));
    if ('uncovered' in plan) throw new Error(plan.reason);
    await expect(printed(plan)).toMatchFileSnapshot('plans/qwen3moe.txt');
  });

  it('covers every node once, in order', () => {
    const plan = planToken(factsOf(GRAPH));
    if ('uncovered' in plan) throw new Error(plan.reason);
    const all = [GRAPH.embed, ...GRAPH.layers, GRAPH.head].flatMap(({ nodes }) => nodes);
    expect(plan.parts.flatMap(({ nodes }) => nodes)).toEqual(all);
  });

  const cases: readonly (readonly [string, ModelGraph, string, RegExp, Partial<PlanFacts>?])[] = [
    ['norms over all heads', exampleGraph(olmoe), 'q_norm', /not a norm of each head/],
    [
      'weights that are left as they are',
      changed('moe_router', withAttr({ divisor: 'one' })),
      'moe_router',
      /not divided by their sum/,
    ],
    ['another pairing', changed('k_post_rope', withAttr({ pairing: 'norm' })), 'k_post_rope', /pairs of the kind norm/],
    ['heads turned in part', changed('q_post_rope', withAttr({ dims: 2 })), 'q_post_rope', /rotates 2 channels/],
    [
      'an attribute that no kernel knows',
      changed('q_post_rope', withAttr({ yarn: 4 })),
      'q_post_rope',
      /attribute yarn/,
    ],
    ['no mask', changed('attn_softmax', withAttr({ mask: 'none' })), 'attn_softmax', /mask is none/],
    [
      'a mask over experts',
      changed('moe_router_probs', withAttr({ mask: 'causal' })),
      'moe_router_probs',
      /mask is causal/,
    ],
    ['another eps for keys', changed('k_norm', withAttr({ eps: 1 })), 'k_norm', /its eps/],
    ['other angles in a later layer', turnedOtherwise(1), 'q_norm', /angles are not those/],
    [
      'gate and up exchanged',
      changed('moe_expert_swigl', (n) => ({ ...n, inputs: n.inputs.toReversed() })),
      'moe_expert_swigl',
      /reads moe_expert_up where moe_expert_gate is expected/,
    ],
    [
      'another operation',
      changed('moe_expert_swigl', (n) => ({ ...n, op: 'add' })),
      'moe_expert_swigl',
      /swiglu is expected/,
    ],
    [
      'a second weight',
      changed('attn_out', (n) => ({ ...n, weights: [...n.weights, ...n.weights] })),
      'attn_out',
      /2 weights/,
    ],
    [
      'keys read as values',
      changed('attention', (n) => ({ ...n, reads: nodeNamed('attn_scores').reads })),
      'attention',
      /k_post_rope/,
    ],
    [
      'a reader of what a kernel keeps to itself',
      changed('moe_ffn_out', (n) => ({ ...n, inputs: [n.inputs[0], valueOf('moe_expert_gate')] })),
      'moe_expert_gate',
      /moe_ffn_out reads it/,
    ],
    ['too many experts for a workgroup', GRAPH, 'moe_expert_out', /allows 8/, { workgroupLanes: 8 }],
    ['a matrix in several buffers', GRAPH, 'attn_out', /does not fit one binding/, { weights: cutIn('attn_output') }],
    ['a part of another tensor', GRAPH, 'q_proj', /is a part of blk.0.attn_qkv/, { weights: partOf('attn_q') }],
  ];
  it.each(cases.map((one) => [one[0], one] as const))('names the node it cannot cover: %s', (_name, one) => {
    const [, graph, stage, reason, facts = {}] = one;
    const plan = planToken(factsOf(graph, facts));
    const { uncovered, reason: given } = plan as Uncovered;
    expect([uncovered.out.id, given]).toEqual([stage, expect.stringMatching(reason)]);
  });
});

function turnedOtherwise(layer: number): ModelGraph {
  const both = changed('q_post_rope', withAttr({ theta: 7 }), layer);
  const layers = both.layers.map((one) => ({
    ...one,
    nodes: one.nodes.map((n) => (one.layer === layer && n.out.id === 'k_post_rope' ? withAttr({ theta: 7 })(n) : n)),
  }));
  return { ...both, layers } as ModelGraph;
}

function nodeNamed(id: string): Node {
  const found = GRAPH.layers[0]?.nodes.find(({ out }) => out.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

function valueOf(id: string): Node['out'] {
  return nodeNamed(id).out;
}

function cutIn(role: string): PlanFacts['weights'] {
  const { weights } = factsOf(GRAPH);
  return {
    ...weights,
    matrix: (slot) => {
      const whole = weights.matrix(slot);
      return slot.role === role ? [...whole, ...whole] : whole;
    },
  };
}

function partOf(role: string): PlanFacts['weights'] {
  const { weights } = factsOf(GRAPH);
  return {
    ...weights,
    unfit: (slot) => (slot.role === role ? 'is a part of blk.0.attn_qkv.weight' : undefined),
  };
}
