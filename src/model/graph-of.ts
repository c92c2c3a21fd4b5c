import { ARCHITECTURES } from '../arch/architectures';
import { sectionsOf, type ModelGraph, type Node, type Section, type Sizes } from '../arch/graph';
import type { HParams } from './hparams';
import { specOf, stageOrder, stageSpec, type StageId, type StageSpec } from './stages';

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
  const named = { graph: arch.graph(sizesOf(hparams)), title: arch.title };
  made.set(hparams, named);
  return named;
}

/** Sizes and constants by name, the architecture's own among them. */
export function sizesOf(hparams: HParams): Sizes {
  const numbers = Object.entries(hparams).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return Object.fromEntries(numbers);
}

/** The node that makes a stage: of the layer, or of the first section that has it. */
export function stageNode(hparams: HParams, stage: StageId, layer?: number): Node | undefined {
  const { graph } = graphOf(hparams);
  const sections = layer === undefined ? sectionsOf(graph) : graph.layers.slice(layer, layer + 1);
  for (const { nodes } of sections) {
    const node = nodes.find(({ out }) => out.id === stage);
    if (node !== undefined) return node;
  }
  return undefined;
}

/** The stages that a model computes in a layer, or once for the whole model; forward order. */
export function stagesOfStep(hparams: HParams, layer: number | undefined): readonly StageId[] {
  const { embed, layers, head } = graphOf(hparams).graph;
  const sections: readonly Section[] = layer === undefined ? [embed, head] : layers.slice(layer, layer + 1);
  return sections.flatMap(({ nodes }) => nodes.map(({ out }) => out.id));
}

/** Every stage that a model computes, in some layer or once; forward order. */
export function stagesOf(hparams: HParams): readonly StageId[] {
  const { graph } = graphOf(hparams);
  const ids = new Set(sectionsOf(graph).flatMap(({ nodes }) => nodes.map(({ out }) => out.id)));
  return [...ids].sort((a, b) => stageOrder(a) - stageOrder(b));
}

/**
 * What a stage is in one model: in the layer, or in the first section that has it. Where the model's architecture is not known (a report of
 * another version, a foreign trace) or it has no such stage, what it is in the first architecture that has it.
 */
export function stageIn(hparams: HParams | undefined, stage: StageId, layer?: number): StageSpec {
  const spec = stageSpec(stage);
  const isKnown = hparams !== undefined && ARCHITECTURES.some(({ name }) => name === hparams.arch);
  const node = isKnown ? (stageNode(hparams, stage, layer) ?? stageNode(hparams, stage)) : undefined;
  return node === undefined ? spec : specOf(node, spec.scope);
}
