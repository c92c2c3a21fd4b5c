import { chosenBy, LAYER_INPUT, type Node, type Section, type Value } from '../../arch/graph';

/** Scores, softmax and values that one kernel can compute, with no scores stored. */
export interface Attention {
  readonly scores: Node<'attention-scores'>;
  readonly softmax: Node<'softmax'>;
  readonly values: Node<'attention-values'>;
}

/** What a section's graph implies for computing it in chunks of tokens. */
export interface SectionPlan {
  readonly section: Section;
  /** Its nodes, cut where every chunk has to be done before any goes on: before a node that reads what this step appends to state. */
  readonly phases: readonly (readonly Node[])[];
  /** Values that are read in a later phase than they are made in: they outlive the turn of their chunk. */
  readonly outliving: ReadonlySet<string>;
  /** Whether the section's last node still reads what enters it: then the two cannot share memory. */
  readonly readsInputLast: boolean;
  /** By each of their nodes' ids. */
  readonly attentions: ReadonlyMap<string, Attention>;
  /** Products of one input that may be computed side by side, by each of their ids; those that are alone are left out. */
  readonly siblings: ReadonlyMap<string, readonly Node<'linear'>[]>;
}

export function planSection(section: Section): SectionPlan {
  const phases = phasesOf(section);
  const last = section.nodes.at(-1);
  return {
    section,
    phases,
    outliving: outlivingOf(phases),
    readsInputLast: last !== undefined && last.inputs.some(({ id }) => id === LAYER_INPUT),
    attentions: attentionsOf(section),
    siblings: siblingsOf(section),
  };
}

/** The nodes that read a value. */
export function readersOf(section: Section, value: Value): readonly Node[] {
  return section.nodes.filter(({ inputs }) => inputs.some(({ id }) => id === value.id));
}

/** Weights that a section needs whatever is computed: those that no index value chooses among. Vectors first: they are small. */
export function fixedWeights({ nodes }: Section) {
  const slots = nodes.filter((node) => chosenBy(node) === undefined).flatMap(({ weights }) => weights);
  return [...slots.filter(({ dims }) => dims.length === 1), ...slots.filter(({ dims }) => dims.length > 1)];
}

function phasesOf({ nodes }: Section): readonly (readonly Node[])[] {
  const phases: Node[][] = [];
  /** State that the phase so far appends to. */
  let written = new Set<string>();
  for (const node of nodes) {
    if (phases.length === 0 || node.reads.some(({ name }) => written.has(name))) {
      phases.push([]);
      written = new Set();
    }
    phases.at(-1)?.push(node);
    if (node.writes !== undefined) written.add(node.writes.name);
  }
  return phases;
}

function outlivingOf(phases: readonly (readonly Node[])[]): ReadonlySet<string> {
  const madeIn = new Map(phases.flatMap((nodes, phase) => nodes.map(({ out }) => [out.id, phase] as const)));
  const found = new Set<string>();
  for (const [phase, nodes] of phases.entries()) {
    for (const { id } of nodes.flatMap(({ inputs }) => inputs)) {
      if ((madeIn.get(id) ?? phase) < phase) found.add(id);
    }
  }
  return found;
}

function attentionsOf(section: Section): ReadonlyMap<string, Attention> {
  const found = new Map<string, Attention>();
  const maker = (value: Value | undefined): Node | undefined => section.nodes.find(({ out }) => out.id === value?.id);
  const isRead = (value: Value, times: number): boolean => readersOf(section, value).length === times;
  for (const values of section.nodes) {
    if (values.op !== 'attention-values') continue;
    const softmax = maker(values.inputs[0]);
    const scores = softmax?.op === 'softmax' ? maker(softmax.inputs[0]) : undefined;
    if (softmax?.op !== 'softmax' || softmax.attrs.mask !== 'causal' || scores?.op !== 'attention-scores') continue;
    if (!isRead(softmax.out, 1) || !isRead(scores.out, 1)) continue;
    const attention = { scores, softmax, values };
    for (const { out } of [scores, softmax, values]) found.set(out.id, attention);
  }
  return found;
}

function siblingsOf({ nodes }: Section): ReadonlyMap<string, readonly Node<'linear'>[]> {
  const byInput = new Map<string, Node<'linear'>[]>();
  for (const node of nodes) {
    const [input] = node.inputs;
    if (node.op !== 'linear' || input === undefined) continue;
    byInput.set(input.id, [...(byInput.get(input.id) ?? []), node]);
  }
  const groups = [...byInput.values()].filter((group) => group.length > 1);
  return new Map(groups.flatMap((group) => group.map((node) => [node.out.id, group] as const)));
}
