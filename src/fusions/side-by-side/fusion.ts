import type { Node, Section } from '../../arch/graph';
import { unknownTo } from '../cover';
import type { RowsFusion } from '../rows-fusion';

/** Products of one input, whose matrices lie in one buffer as if they were one. */
export interface JoinedProducts {
  readonly fusion: 'side-by-side';
  readonly nodes: readonly Node<'linear'>[];
}

/** The products of a section that read one value, in forward order; those that are alone are left out. */
export function siblingsOf({ nodes }: Section): readonly (readonly Node<'linear'>[])[] {
  const byInput = new Map<string, Node<'linear'>[]>();
  for (const node of nodes) {
    const [input] = node.inputs;
    if (node.op !== 'linear' || input === undefined) continue;
    byInput.set(input.id, [...(byInput.get(input.id) ?? []), node]);
  }
  return [...byInput.values()].filter((group) => group.length > 1);
}

/** The products' own kernel, over their matrices as one: k and v alone are too small to fill a GPU. The bits are those of each alone. */
export const sideBySide: RowsFusion<JoinedProducts> = {
  name: 'side-by-side',
  covers: ['linear', 'linear'],
  kernels: [],
  fit(section, at, { joined, replaced }) {
    const node = section.nodes[at];
    if (node === undefined) throw new RangeError(`no node ${at}`);
    if (node.op !== 'linear') return { node, reason: 'linear is expected here', depth: 0 };
    const all = siblingsOf(section).find((group) => group.includes(node)) ?? [];
    const siblings = all.slice(all.indexOf(node));
    const no = (one: Node, reason: string) => ({ node: one, reason, depth: 1 });
    const nodes = siblings.slice(0, joined(siblings));
    for (const one of nodes) {
      const unknown = unknownTo(one);
      if (unknown !== undefined) return no(one, unknown);
      if (replaced.has(one.out.id)) return no(one, 'it is computed in another way than usual');
    }
    if (nodes.length < 2) return no(node, 'no other matrix lies behind its own in one buffer');
    return { fusion: 'side-by-side', nodes };
  },
};
