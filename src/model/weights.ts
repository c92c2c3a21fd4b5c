import { isProduct, sectionOf, sizeOf, weightTensor, type WeightSlot } from '../arch/graph';
import { graphOf, stageNode } from './graph-of';
import type { HParams } from './hparams';
import type { StageId, WeightRole } from './stages';

/** Terms of one sum of a product stage: the row length of its weights. Undefined for stages that are no products. */
export function termsOf(stage: StageId, hparams: HParams): number | undefined {
  const node = stageNode(hparams, stage);
  const dim = node !== undefined && isProduct(node) ? node.weights[0]?.dims[0] : undefined;
  return dim === undefined ? undefined : sizeOf(graphOf(hparams).graph.sizes, dim);
}

/** The GGUF name of a weight of a layer, or of the whole model. With tied embeddings, `output` is the token embedding. */
export function weightName(
  role: WeightRole,
  layer: number | undefined,
  hparams: Pick<HParams, 'tiedEmbeddings'>,
): string {
  return weightTensor(layer === undefined && role === 'output' && hparams.tiedEmbeddings ? 'token_embd' : role, layer);
}

/** The weights of a model's graph, each once: those of the whole model, then of each layer. */
export function weightSlots(hparams: HParams): readonly WeightSlot[] {
  const { embed, head, layers } = graphOf(hparams).graph;
  const slots = [embed, head, ...layers].flatMap(({ nodes }) => nodes.flatMap(({ weights }) => weights));
  return [...new Map(slots.map((slot) => [slot.name, slot])).values()];
}

/** A weight of a layer of the model's graph, or of the whole model. @throws RangeError where it has none of this role */
export function weightSlot(hparams: HParams, role: WeightRole, layer?: number): WeightSlot {
  const { graph } = graphOf(hparams);
  const sections = layer === undefined ? [graph.embed, graph.head] : [sectionOf(graph, layer)];
  const slots = sections.flatMap(({ nodes }) => nodes.flatMap(({ weights }) => weights));
  const slot = slots.find((weight) => weight.role === role);
  if (slot === undefined) throw new RangeError(`no weight ${role}`);
  return slot;
}
