import { sectionsOf, type ModelGraph, type Node, type Section } from './graph';

/**
 * A graph as text for people and for a snapshot: a line a node, `id (axes) = op(inputs; state; weights {dims}) attributes -> ggml name`.
 * Layers that do not differ from the one before are printed once.
 */
export function printGraph(graph: ModelGraph): string {
  const lines: string[] = [graph.arch];
  let from = 0;
  for (const section of sectionsOf(graph)) {
    const { layer } = section;
    const body = printSection(section);
    if (layer === undefined) {
      lines.push('', section === graph.embed ? 'embedding' : 'head', ...body);
      continue;
    }
    const next = graph.layers[layer + 1];
    if (next !== undefined && printSection(next).join('\n') === body.join('\n')) continue;
    lines.push('', from === layer ? `layer ${layer}` : `layers ${from}..${layer + 1}`, ...body);
    from = layer + 1;
  }
  return `${lines.join('\n')}\n`;
}

function printSection(section: Section): readonly string[] {
  return section.nodes.map(printNode);
}

function printNode(node: Node): string {
  const { out, inputs, reads, writes, weights, title, ggml, aliases, headline } = node;
  const read = [
    inputs.map((value) => `${value.id}(${value.axes.slice(1).join(', ')})`),
    reads.map((slot) => slot.name),
    weights.map(
      (slot) => `${slot.role} {${slot.dims.join(', ')}}${slot.tiedTo === undefined ? '' : ` or ${slot.tiedTo}`}`,
    ),
  ];
  const attributes = Object.entries(node.attrs).map(([name, value]) => ` ${name}=${String(value)}`);
  return [
    `  ${out.id} (${out.axes.join(', ')})${out.kind === 'index' ? ' index' : ''}`,
    ` = ${node.op}(${read
      .map((list) => list.join(', '))
      .filter((text) => text !== '')
      .join('; ')})`,
    ...attributes,
    writes === undefined ? '' : ` => ${writes.name}`,
    ` -> ${[title, ggml, ...aliases].join(' | ')}${headline ? ' *' : ''}`,
  ].join('');
}
