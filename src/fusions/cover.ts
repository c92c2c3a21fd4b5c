import { dependencies, type Node, type Section, type Value } from '../arch/graph';
import type { OpName } from '../arch/operations';

/** A node of a cover: its operation and what it reads, by keys of the cover or, for what comes from outside, by names of its own. */
export interface CoverNode<N extends OpName = OpName> {
  readonly op: N;
  readonly inputs: readonly string[];
  /** The values that the states it reads are made of, named alike. */
  readonly reads?: readonly string[];
}

/** Operations of the graph that are computed at once, in forward order, each under a key of its own. */
export type Cover = Readonly<Record<string, CoverNode>>;

/** Nodes of a section that a cover fits. */
export interface Covered<C extends Cover = Cover> {
  readonly section: Section;
  readonly nodes: { readonly [K in keyof C]: Node<C[K]['op']> };
  /** The value behind a name of the cover, inside or outside. @throws RangeError for a name that it does not have */
  readonly value: (name: string) => Value;
}

/** Why a node is not covered. */
export interface Mismatch {
  readonly node: Node;
  readonly reason: string;
  /** Nodes of the cover whose operations fitted, this one among them: how near it came. */
  readonly depth: number;
}

/** The attributes that fused kernels know. A node that has another one is none that they compute. */
const KNOWN_ATTRS: Readonly<Record<string, readonly string[]>> = {
  rmsnorm: ['eps'],
  rope: ['theta', 'dims', 'pairing'],
  'attention-scores': ['divisor'],
  softmax: ['mask'],
  'attention-values': ['mask'],
  normalise: ['divisor'],
};

/** Operations with one weight; the others have none. */
const WEIGHTED: ReadonlySet<OpName> = new Set<OpName>(['rows', 'rmsnorm', 'linear', 'expert-linear']);

/** Whether the nodes of a section from `at` on are those of a cover: the same operations, wired alike, and read from nowhere else but as `leaves` says. */
export function fitCover<C extends Cover>(
  cover: C,
  leaves: readonly string[],
  section: Section,
  at: number,
): Covered<C> | Mismatch {
  const found = new Map<string, Node>();
  const values = new Map<string, Value>();
  for (const [key, wanted] of Object.entries(cover)) {
    const depth = found.size;
    const node = section.nodes[at + depth];
    const last = section.nodes[at + depth - 1];
    if (node === undefined) {
      if (last === undefined) throw new RangeError(`no node ${at}`);
      return { node: last, reason: `${wanted.op} is expected behind it, and nothing comes`, depth };
    }
    if (node.op !== wanted.op) return { node, reason: `${wanted.op} is expected here`, depth };
    const unlike = unlikeness(node, wanted, values, found);
    if (unlike !== undefined) return { node, reason: unlike, depth: depth + 1 };
    found.set(key, node);
    values.set(key, node.out);
  }
  const inside = new Set([...found.values()]);
  for (const [key, node] of found) {
    if (leaves.includes(key)) continue;
    const reader = section.nodes.find((other) => !inside.has(other) && dependencies(other).some(isValue(node.out)));
    const isHandedOver = section.output.id === node.out.id;
    if (reader === undefined && !isHandedOver) continue;
    return {
      node,
      reason: `${reader?.out.id ?? 'the next section'} reads it, and the fused kernel keeps it to itself`,
      depth: found.size,
    };
  }
  return {
    section,
    // As many nodes as the cover has keys, each of the operation that its key says.
    nodes: Object.fromEntries(found) as Covered<C>['nodes'],
    value: (name) => {
      const value = values.get(name);
      if (value === undefined) throw new RangeError(`the cover names no ${name}`);
      return value;
    },
  };
}

/** What a node has that no fused kernel knows: another attribute, or weights beside its operation's one. */
export function unknownTo(node: Node): string | undefined {
  const unknown = Object.entries(node.attrs).find(
    ([name, value]) => value !== undefined && KNOWN_ATTRS[node.op]?.includes(name) !== true,
  );
  if (unknown !== undefined) return `its attribute ${unknown[0]} is none that the fused kernel knows`;
  return node.weights.length === (WEIGHTED.has(node.op) ? 1 : 0) ? undefined : `it has ${node.weights.length} weights`;
}

/** Binds the names that a node reads; says what does not fit. */
function unlikeness(
  node: Node,
  { inputs, reads = [] }: CoverNode,
  values: Map<string, Value>,
  found: ReadonlyMap<string, Node>,
): string | undefined {
  const unknown = unknownTo(node);
  if (unknown !== undefined) return unknown;
  const given = [...node.inputs, ...node.reads.map((slot) => slot.value)];
  const names = [...inputs, ...reads];
  if (node.inputs.length !== inputs.length || given.length !== names.length) return `it reads ${given.length} values`;
  for (const [i, name] of names.entries()) {
    const value = given[i];
    if (value === undefined) continue;
    const known = values.get(name);
    if (known !== undefined && known.id !== value.id) return `it reads ${value.id} where ${known.id} is expected`;
    if (known === undefined && [...found.values()].some(({ out }) => out.id === value.id)) {
      return `it reads ${value.id}, which is not its input in the fused kernel`;
    }
    // As this node sees it: axes may be split otherwise than where it is made.
    if (known === undefined) values.set(name, value);
  }
  return undefined;
}

function isValue({ id }: Value): (value: Value) => boolean {
  return (value) => value.id === id;
}
