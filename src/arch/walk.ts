import type { ModelGraph, Node, Section, Value } from './graph';

/*
 * What is derived from a section's nodes: lifetimes, needs, what may be read ahead.
 */

/** Whether a value has a row for each key: it grows with the square of a prompt. */
export function isByKey(value: Value): boolean {
  return value.axes.includes('nKeys');
}

/** Whether a value is made row by row, never as a whole unless it is captured: by key, or a recurrence's state. */
export function isStreamed(value: Value): boolean {
  return isByKey(value) || value.recurrent === true;
}

/**
 * For each node, the values that nothing reads behind it. A reader of a streamed value reads what that value is made of, since its rows are
 * made anew; the section's output outlives it.
 */
export function lastUses(section: Section): ReadonlyMap<string, readonly string[]> {
  const last = new Map<string, string>();
  for (const node of section.nodes) {
    last.set(node.out.id, node.out.id);
    for (const id of readThrough(section, node)) last.set(id, node.out.id);
  }
  last.delete(section.output.id);
  const byNode = new Map<string, string[]>();
  for (const [value, node] of last) byNode.set(node, [...(byNode.get(node) ?? []), value]);
  return byNode;
}

/** The nodes that have to run for the section's output, its state and these values; in order. */
export function neededNodes(section: Section, values: ReadonlySet<string>, output: boolean): readonly Node[] {
  const needed = new Set(values);
  if (output) needed.add(section.output.id);
  return section.nodes
    .toReversed()
    .filter((node) => {
      if (!needed.has(node.out.id) && !(output && node.writes !== undefined)) return false;
      for (const value of node.inputs) needed.add(value.id);
      return true;
    })
    .reverse();
}

/** The nodes before the first one that reads state: what a section begins with, whatever comes before it. */
export function leadingNodes(section: Section): readonly Node[] {
  const first = section.nodes.findIndex((node) => node.reads.length > 0);
  return first < 0 ? section.nodes : section.nodes.slice(0, first);
}

function readThrough(section: Section, node: Node): readonly string[] {
  return node.inputs.flatMap((value) => {
    const maker = isStreamed(value) ? section.nodes.find((other) => other.out.id === value.id) : undefined;
    return maker === undefined ? [value.id] : [value.id, ...readThrough(section, maker)];
  });
}

/** Values that are kept from step to step, by id, and of how many positions before its own a reader reads them: Infinity for all. */
export function keptStages({ layers }: Pick<ModelGraph, 'layers'>): ReadonlyMap<string, number> {
  const slots = layers.flatMap(({ nodes }) => nodes.flatMap((node) => node.reads));
  return new Map(slots.map(({ value, reach = Infinity }) => [value.id, reach]));
}
