import { ARCHITECTURES } from '../arch/architectures';
import { sectionsOf, type ModelGraph, type Node } from '../arch/graph';
import type { HParams } from './hparams';

/** A model's forward pass, and what its architecture is called. */
export interface NamedGraph {
  readonly graph: ModelGraph;
  readonly title: string;
}

const made = new WeakMap<HParams, NamedGraph>();

/** The forward pass of a model of these sizes. @throws RangeError where there is no such architecture */
export function graphOf(hparams: HParams): NamedGraph {
  const found = made.get(hparams);
  if (found !== undefined) return found;
  const arch = ARCHITECTURES.find(({ name }) => name === hparams.arch);
  if (arch === undefined) throw new RangeError(`no architecture ${hparams.arch}`);
  const numbers = Object.entries(hparams).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  const named = { graph: arch.graph(Object.fromEntries(numbers)), title: arch.title };
  made.set(hparams, named);
  return named;
}

/** The node that makes a stage: of the layer, or of the first section that has it. */
export function stageNode(hparams: HParams, stage: string, layer?: number): Node | undefined {
  const { graph } = graphOf(hparams);
  const sections = layer === undefined ? sectionsOf(graph) : graph.layers.slice(layer, layer + 1);
  for (const { nodes } of sections) {
    const node = nodes.find(({ out }) => out.id === stage);
    if (node !== undefined) return node;
  }
  return undefined;
}
