import { describe, expect, test } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import { GraphBuilder } from '../../src/arch/builder';
import { chosenBy, dependencies, LAYER_INPUT, nodeOf, sectionsOf } from '../../src/arch/graph';
import { llama } from '../../src/arch/llama';
import { printGraph } from '../../src/arch/print-graph';
import { stageOrder, stageSpec } from '../../src/model/stages';
import { exampleGraph } from './support';

describe.each(ARCHITECTURES)('$name', (arch) => {
  const graph = exampleGraph(arch);

  test('computes what its printed graph says', async () => {
    await expect(printGraph(graph)).toMatchFileSnapshot(`graphs/${arch.name}.txt`);
  });

  test('reads only what was computed before, in its own section', () => {
    for (const section of sectionsOf(graph)) {
      const known = new Map<string, string>(section.input === undefined ? [] : [[LAYER_INPUT, 'float']]);
      for (const node of section.nodes) {
        for (const value of dependencies(node))
          expect(known.get(value.id), `${node.out.id} reads ${value.id}`).toBe(value.kind);
        known.set(node.out.id, node.out.kind);
      }
    }
  });

  test('has its stages in the order of all, with the meaning that they have elsewhere', () => {
    for (const section of [...arch.graph(arch.sample).layers, graph.embed, graph.head]) {
      const orders = section.nodes.map(({ out }) => stageOrder(out.id));
      expect(orders).toEqual(orders.toSorted((a, b) => a - b));
      for (const { out, ggml } of section.nodes) {
        const spec = stageSpec(out.id);
        expect([spec.values, spec.scope], out.id).toEqual([out.kind, section.layer === undefined ? 'model' : 'layer']);
        // What a reader of files looks for: the axes of tokens, of keys and of slots.
        for (const dim of ['nTokens', 'nKeys', 'nExpertUsed']) {
          expect(spec.shape.indexOf(dim), `${dim} of ${out.id}`).toBe(out.axes.indexOf(dim));
        }
        expect(spec.shape, out.id).toHaveLength(out.axes.length);
        if (ggml !== '') expect(spec.ggml, out.id).toContain(ggml);
      }
    }
    expect(new Set(graph.layers.flatMap(({ nodes }) => nodes.map(({ out }) => out.id)))).toEqual(
      new Set(arch.graph(arch.sample).layers.flatMap(({ nodes }) => nodes.map(({ out }) => out.id))),
    );
  });

  test('every state that is read was written by one node', () => {
    for (const section of sectionsOf(graph)) {
      const written = section.nodes.flatMap((node) => (node.writes === undefined ? [] : [node.writes]));
      expect(new Set(written.map((slot) => slot.name)).size).toBe(written.length);
      for (const slot of section.nodes.flatMap((node) => node.reads)) {
        expect(nodeOf(section, slot.value.id).writes?.name).toBe(slot.name);
      }
    }
  });

  test('experts are chosen by an index value, and nothing else reads one as weights', () => {
    for (const node of graph.layers.flatMap((layer) => layer.nodes)) {
      const stacked = node.weights.some((slot) => slot.dims[2] === 'nExpert');
      expect(chosenBy(node)?.kind, node.out.id).toBe(stacked ? 'index' : undefined);
    }
  });
});

test('Llama without experts computes what its printed graph says', async () => {
  const graph = exampleGraph(llama, { nExpert: 0 });
  await expect(printGraph(graph)).toMatchFileSnapshot('graphs/llama-dense.txt');
});

describe('the builder refuses', () => {
  const x = { id: LAYER_INPUT, axes: ['nTokens', 'nEmbd'], kind: 'float' } as const;
  const fresh = (): GraphBuilder => new GraphBuilder(0);

  test.each<readonly [string, (g: GraphBuilder) => unknown]>([
    ['a weight that is not as long as a row', (g) => g.linear('a', x, g.weight('w', ['nFfExp', 'nEmbd']))],
    ['a norm over another axis', (g) => g.rmsnorm('a', x, g.weight('w', ['headDim']), { eps: 1 })],
    ['the same name twice', (g) => [g.add('a', x, x), g.add('a', x, x)]],
    ['a sum of two shapes', (g) => g.add('b', x, g.linear('a', x, g.weight('w', ['nEmbd', 'nFfExp'])))],
    ['a state written twice', (g) => [g.cached('keys', g.add('a', x, x)), g.cached('keys', g.add('b', x, x))]],
    [
      'heads that a matrix is not there for',
      (g) =>
        g.headLinear('a', { ...x, axes: ['nTokens', 'nHead', 'nEmbd'] }, g.weight('w', ['nEmbd', 'nFfExp', 'nHeadKv'])),
    ],
    ['two values of other rows', (g) => g.concat('a', x, { ...x, axes: ['nTokens', 'nHead', 'headDim'] }, 'nEmbd')],
    ['experts that nothing chose', (g) => g.expertLinear('a', x, x, g.weight('w', ['nEmbd', 'nFfExp', 'nExpert']))],
    ['attention weights that are no softmax', (g) => g.values('a', x, g.cached('values', g.add('b', x, x)), 'qDim')],
    ['to hand over what is not its last value', (g) => [g.add('a', x, x), g.section(x, x)]],
  ])('%s', (_, build) => {
    expect(() => build(fresh())).toThrow(RangeError);
  });
});
