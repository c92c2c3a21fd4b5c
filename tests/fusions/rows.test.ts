import { describe, expect, it } from 'vitest';
import type { ModelGraph, Node, Section } from '../../src/arch/graph';
import { qwen3moe } from '../../src/arch/qwen3moe';
import { attentionTiled } from '../../src/fusions/attention-tiled/fusion';
import type { RowsFacts } from '../../src/fusions/rows-fusion';
import { coverRows } from '../../src/fusions/rows-fusions';
import { sideBySide } from '../../src/fusions/side-by-side/fusion';
import { exampleGraph } from '../arch/support';

const TINY = exampleGraph(qwen3moe);
const GRAPH: ModelGraph = { ...TINY, sizes: { ...TINY.sizes, headDim: 32 } };
const LAYER = GRAPH.layers[0]!;

const facts = (change: Partial<RowsFacts> = {}): RowsFacts => ({
  ...{ graph: GRAPH, tiles: true, sharesValues: () => false, joined: (nodes) => nodes.length, replaced: new Set() },
  ...change,
});

const at = (id: string): number => LAYER.nodes.findIndex(({ out }) => out.id === id);

/** The layer with a node changed. */
function changed(id: string, change: (node: Node) => object): Section {
  return {
    ...LAYER,
    nodes: LAYER.nodes.map((node) => (node.out.id === id ? ({ ...node, ...change(node) } as Node) : node)),
  };
}

const attr = (attrs: object) => (node: Node) => ({ attrs: { ...node.attrs, ...attrs } });

function coversOf(section: Section, change: Partial<RowsFacts> = {}): Record<string, string[]> {
  const covers = new Set(coverRows(section, facts(change)).values());
  return Object.fromEntries([...covers].map((one) => [one.fusion, one.nodes.map(({ out }) => out.id)]));
}

const ATTENTION = ['attn_scores', 'attn_softmax', 'attention'];
const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj'];

describe('coverRows', () => {
  it('covers attention, and products of one input', () => {
    expect(coversOf(LAYER)).toEqual({ 'attention-tiled': ATTENTION, 'side-by-side': PROJECTIONS });
  });

  it('takes as many products as lie together, from wherever they begin', () => {
    const joined: RowsFacts['joined'] = (nodes) => (nodes[0]?.out.id === 'q_proj' ? 0 : nodes.length);
    expect(coversOf(LAYER, { joined })['side-by-side']).toEqual(['k_proj', 'v_proj']);
    expect(coversOf(LAYER, { joined: () => 1 })).toEqual({ 'attention-tiled': ATTENTION });
  });

  it('leaves values that are computed in another way to their own kernels', () => {
    expect(coversOf(LAYER, { replaced: new Set(['q_proj']), tiles: false })).toEqual({
      'side-by-side': ['k_proj', 'v_proj'],
    });
  });
});

describe('attentionTiled', () => {
  const reason = (section: Section, change: Partial<RowsFacts> = {}): string | undefined => {
    const fitted = attentionTiled.fit(section, at('attn_scores'), facts(change));
    return 'reason' in fitted ? fitted.reason : undefined;
  };
  const [norm] = LAYER.nodes.find(({ out }) => out.id === 'attn_norm')!.weights;

  it.each<[string, Section, RegExp]>([
    ['a window', changed('attn_softmax', attr({ window: 128 })), /attribute window is none/],
    ['sinks', changed('attn_softmax', () => ({ weights: [norm] })), /has 1 weights/],
    ['another mask', changed('attn_softmax', attr({ mask: 'none' })), /mask is none/],
    ['values of all keys', changed('attention', attr({ mask: 'none' })), /mask is none/],
    ['scores that are capped', changed('attn_scores', attr({ cap: 30 })), /attribute cap is none/],
    [
      'a third input of the softmax',
      changed('attn_softmax', ({ inputs }) => ({ inputs: [...inputs, ...inputs] })),
      /reads 2 values/,
    ],
    [
      'probabilities that others read',
      changed('post_attn_residual', ({ inputs }) => ({
        inputs: [LAYER.nodes[at('attn_softmax')]!.out, ...inputs.slice(1)],
      })),
      /reads it, and the fused kernel keeps it/,
    ],
  ])('refuses %s', (_name, section, expected) => {
    expect(reason(section)).toMatch(expected);
    expect(coverRows(section, facts()).has('attention')).toBe(false);
  });

  it('refuses heads that its kernel does not take, and what the adapter or a replaced stage forbids', () => {
    expect(reason(LAYER)).toBeUndefined();
    const graph = { ...GRAPH, sizes: { ...GRAPH.sizes, headDim: 48 } };
    expect(reason(LAYER, { graph })).toMatch('no heads of 48');
    expect(reason(LAYER, { tiles: false })).toMatch('scores are kept');
    expect(reason(LAYER, { sharesValues: (channels) => channels < 1e6 })).toMatch('shared among lanes');
  });
});

describe('sideBySide', () => {
  const reason = (section: Section): string | undefined => {
    const fitted = sideBySide.fit(section, at('q_proj'), facts());
    return 'reason' in fitted ? fitted.reason : undefined;
  };

  it('refuses products with more than a matrix', () => {
    expect(reason(LAYER)).toBeUndefined();
    expect(reason(changed('k_proj', ({ weights }) => ({ weights: [...weights, ...weights] })))).toMatch('2 weights');
    expect(reason(changed('q_proj', attr({ bias: true })))).toMatch('attribute bias');
  });
});
