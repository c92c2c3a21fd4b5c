import { describe, expect, it } from 'vitest';
import { ACTIVE_STAGES, LAYER_STAGES } from '../support/stages';
import { modelExplorerGraph, modelExplorerNodeData } from '../../src/trace/model-explorer';

interface Graph {
  readonly graphs: readonly {
    readonly id: string;
    readonly nodes: readonly {
      readonly id: string;
      readonly namespace: string;
      readonly incomingEdges: readonly { readonly sourceNodeId: string }[];
    }[];
  }[];
}

const graphOf = (layers: readonly number[]): Graph['graphs'][number] => {
  const document: Graph = JSON.parse(modelExplorerGraph(layers, new Set(ACTIVE_STAGES), undefined));
  const [graph] = document.graphs;
  if (graph === undefined) throw new Error('no graph');
  return graph;
};

describe('Model Explorer', () => {
  it('node data: a value a node, bad ones in colour, what is not finite as text', () => {
    const data: unknown = JSON.parse(
      modelExplorerNodeData([
        { layer: 0, stage: 'attn_norm', value: 0.25, isBad: false },
        { layer: 1, stage: 'moe_expert_out', value: 1e6, isBad: true },
        { layer: undefined, stage: 'lm_head', value: NaN, isBad: true },
      ]),
    );
    expect(data).toEqual({
      moescope: {
        results: {
          'layer-0/attn_norm': { value: 0.25 },
          'layer-1/moe_expert_out': { value: 1e6, bgColor: '#d1495b', textColor: '#ffffff' },
          lm_head: { value: 'NaN', bgColor: '#d1495b', textColor: '#ffffff' },
        },
        gradient: [
          { stop: 0, bgColor: '#ffffff' },
          { stop: 1, bgColor: '#d1495b' },
        ],
      },
    });
  });

  it('graph: every stage of every layer once, each edge from a node that is there and earlier', () => {
    const { id, nodes } = graphOf([0, 2]);
    expect(id).toBe('moescope');
    expect(nodes).toHaveLength(2 * LAYER_STAGES.length + ACTIVE_STAGES.length - LAYER_STAGES.length);
    const ids = nodes.map((node) => node.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const node of nodes) for (const edge of node.incomingEdges) expect(ids).toContain(edge.sourceNodeId);
    const inputs = (node: string): readonly string[] =>
      nodes.find((n) => n.id === node)?.incomingEdges.map((edge) => edge.sourceNodeId) ?? [];
    expect(inputs('layer-0/attn_norm')).toEqual(['embedding']);
    expect(inputs('layer-2/attn_norm')).toEqual(['layer-0/post_ffn_residual']);
    expect(inputs('final_norm')).toEqual(['layer-2/post_ffn_residual']);
    expect(inputs('layer-2/attention')).toEqual(['layer-2/attn_softmax', 'layer-2/v_proj']);
  });
});
