import { chosenBy, LAYER_INPUT, type Node, type Section, type Value } from '../../arch/graph';

/** What a section's graph implies for computing it in chunks of tokens. */
export interface SectionPlan {
  readonly section: Section;
  /** Its nodes, cut where every chunk has to be done before any goes on: before a node that reads what this step appends to state. */
  readonly phases: readonly (readonly Node[])[];
  /** Values that are read in a later phase than they are made in: they outlive the turn of their chunk. */
  readonly outliving: ReadonlySet<string>;
  /** Whether the section's last node still reads what enters it: then the two cannot share memory. */
  readonly readsInputLast: boolean;
}

export function planSection(section: Section): SectionPlan {
  const phases = phasesOf(section);
  const last = section.nodes.at(-1);
  return {
    section,
    phases,
    outliving: outlivingOf(phases),
    readsInputLast: last !== undefined && last.inputs.some(({ id }) => id === LAYER_INPUT),
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
    // Of the few rows before its own a chunk finds what the one before it left.
    if (phases.length === 0 || node.reads.some(({ name, reach }) => reach === undefined && written.has(name))) {
      phases.push([]);
      written = new Set();
    }
    phases.at(-1)?.push(node);
    if (node.writes !== undefined) written.add(node.writes.name);
    const cut = node.reads.find(({ name, reach }) => reach !== undefined && !written.has(name));
    if (cut !== undefined) throw new RangeError(`${node.out.id} reads ${cut.name} of chunks that are done`);
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
