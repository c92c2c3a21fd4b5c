import { accountFor } from '../arch/account';
import { architectureOf } from '../arch/architectures';
import { bindGraph, bindWeight, type BoundWeight } from '../arch/bind';
import type { ModelFile } from '../gguf/model-file';
import { graphOf } from './graph-of';
import type { HParams } from './hparams';
import type { WeightRole } from './stages';
import { weightSlot, weightSlots } from './weights';

// Apart from `weights.ts`: a page that shows reports has no file, and needs no type's blocks.

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
