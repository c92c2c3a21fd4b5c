import { accountFor } from '../arch/account';
import { architectureOf } from '../arch/architectures';
import { bindGraph, bindWeight, type BoundWeight } from '../arch/bind';
import { isProduct, sectionOf, sizeOf, weightTensor, type WeightSlot } from '../arch/graph';
import type { ModelFile } from '../gguf/model-file';
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

/**
 * Finds a weight and checks that it is there, has the shape that the hyperparameters ask for, and a type that can be run.
 * @throws TracerError `gguf-missing-tensor`, `gguf-tensor-shape`, `gguf-tensor-type`; each names the tensor.
 */
export function boundWeight(model: ModelFile, hparams: HParams, role: WeightRole, layer?: number): BoundWeight {
  const { graph, title } = graphOf(hparams);
  return bindWeight(weightSlot(hparams, role, layer), graph.sizes, model, title);
}

/**
 * What the file calls a weight, and its type there: of fused tensors the one that holds it, of experts in tensors of their own the expert's.
 * @param name as llama.cpp names it where it stands alone
 */
export function weightInFile(
  model: ModelFile,
  hparams: HParams,
  name: string,
  expert?: number,
): { readonly name: string; readonly type: string } | undefined {
  const own = model.tensors.get(name);
  if (own !== undefined) return own;
  const { graph, title } = graphOf(hparams);
  const slot = weightSlots(hparams).find((one) => one.name === name);
  if (slot === undefined) return undefined;
  const { tensor } = bindWeight(slot, graph.sizes, model, title);
  return (expert === undefined ? undefined : tensor.stacked?.[expert]) ?? tensor;
}

/**
 * Checks before a run starts that every weight of the model is there, and that nothing the file says of the model is dropped in silence.
 * @returns what nobody reads, a sentence each
 * @throws TracerError as {@link boundWeight}; `gguf-unsupported`
 */
export function checkWeights(model: ModelFile, hparams: HParams): readonly string[] {
  const { graph, title } = graphOf(hparams);
  return accountFor(architectureOf(model), bindGraph(graph, model, title));
}
