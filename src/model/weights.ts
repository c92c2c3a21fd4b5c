import { accountFor } from '../arch/account';
import { architectureOf } from '../arch/architectures';
import { bindGraph, bindWeight, type BoundWeight, type WeightTensor } from '../arch/bind';
import { sectionOf, sizeOf, type WeightSlot } from '../arch/graph';
import type { ModelFile } from '../gguf/model-file';
import { graphOf, stageNode } from './graph-of';
import type { HParams } from './hparams';
import type { StageId, WeightRole } from './stages';

export type { WeightTensor } from '../arch/bind';

/** Roles of the weights of a model: of the whole model, then of a layer, in forward order. */
export const WEIGHT_ROLES = [
  'token_embd',
  'output_norm',
  'output',
  'attn_norm',
  'attn_q',
  'attn_k',
  'attn_v',
  'attn_q_norm',
  'attn_k_norm',
  'attn_output',
  'ffn_norm',
  'ffn_gate_inp',
  'ffn_gate_exps',
  'ffn_up_exps',
  'ffn_down_exps',
] as const satisfies readonly WeightRole[];

/** Whether a name is a weight's role. */
export function isWeightRole(name: string): name is WeightRole {
  return WEIGHT_ROLES.some((role) => role === name);
}

/** Whether each layer has a weight of its own of this role. */
export function isOfLayer(role: WeightRole): boolean {
  return role !== 'token_embd' && role !== 'output' && role !== 'output_norm';
}

/** Terms of one sum of a product stage: the row length of its weights. Undefined for stages that are no products. */
export function termsOf(stage: StageId, hparams: HParams): number | undefined {
  const node = stageNode(hparams, stage);
  const dim = node?.op === 'linear' || node?.op === 'expert-linear' ? node.weights[0]?.dims[0] : undefined;
  return dim === undefined ? undefined : sizeOf(graphOf(hparams).graph.sizes, dim);
}

/** The GGUF name of a weight. With tied embeddings, `output` is the token embedding. */
export function weightName(
  role: WeightRole,
  layer: number | undefined,
  hparams: Pick<HParams, 'tiedEmbeddings'>,
): string {
  const actual = role === 'output' && hparams.tiedEmbeddings ? 'token_embd' : role;
  return isOfLayer(actual) ? `blk.${layer ?? ''}.${actual}.weight` : `${actual}.weight`;
}

/** A weight of the model's graph. @throws RangeError where it has none of this role */
export function weightSlot(hparams: HParams, role: string, layer?: number): WeightSlot {
  const { graph } = graphOf(hparams);
  const sections = layer === undefined ? [graph.embed, graph.head] : [sectionOf(graph, layer)];
  for (const { nodes } of sections) {
    for (const { weights } of nodes) {
      const slot = weights.find((weight) => weight.role === role);
      if (slot !== undefined) return slot;
    }
  }
  throw new RangeError(`no weight ${role}`);
}

/**
 * Finds a weight and checks that it is there, has the shape that the hyperparameters ask for, and a type that can be run.
 * @throws TracerError `gguf-missing-tensor`, `gguf-tensor-shape`, `gguf-tensor-type`; each names the tensor.
 */
export function findWeight(model: ModelFile, hparams: HParams, role: WeightRole, layer?: number): WeightTensor {
  return boundWeight(model, hparams, role, layer).tensor;
}

/** {@link findWeight} with the rows of the tensor that are its own, and what stands beside it. @throws TracerError as it */
export function boundWeight(model: ModelFile, hparams: HParams, role: WeightRole, layer?: number): BoundWeight {
  const { graph, title } = graphOf(hparams);
  return bindWeight(weightSlot(hparams, role, isOfLayer(role) ? layer : undefined), graph.sizes, model, title);
}

/**
 * Checks before a run starts that every weight of the model is there, and that nothing the file says of the model is dropped in silence.
 * @returns what nobody reads, a sentence each
 * @throws TracerError as {@link findWeight}; `gguf-unsupported`
 */
export function checkWeights(model: ModelFile, hparams: HParams): readonly string[] {
  const { graph, title } = graphOf(hparams);
  return accountFor(architectureOf(model), bindGraph(graph, model, title));
}
