import { sectionsOf, type ModelGraph, type Node, type Section, type WeightSlot } from './graph';

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
    reads.map(({ name, reach }) => (reach === undefined ? name : `${name} of ${reach} before`)),
    weights.map(printWeight),
  ];
  const attributes = Object.entries(node.attrs).map(
    ([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
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

/** `attn_q {nEmbd, qDim} * scale? + bias? or in attn_qkv`: what a file may hold beside a weight, and in its place. */
function printWeight({ role, dims, scaled, bias, fusedWith, tiedTo, flat }: WeightSlot): string {
  return [
    `${role} {${dims.join(', ')}}`,
    flat === true ? ' flat' : '',
    scaled === true ? ' * scale?' : '',
    bias === undefined ? '' : bias === 'required' ? ' + bias' : ' + bias?',
    fusedWith === undefined ? '' : ` or in ${fusedWith.name.replace(/^blk\.\d+\.|\.weight$/g, '')}`,
    tiedTo === undefined ? '' : ` or ${tiedTo}`,
  ].join('');
}
