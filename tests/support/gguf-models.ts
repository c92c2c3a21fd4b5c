import { ggufBytes, type GgufLayout, type GgufToWrite, type TensorToWrite, layoutGguf } from '../../src/gguf/writer';
import { modelToWrite as plannedModel } from '../../src/synthetic/model-to-write';
import type { ModelRecipe as FullRecipe } from '../../src/synthetic/recipe';
import type { ModelShape } from '../../src/synthetic/shapes';
import { writeModelFiles } from '../../src/synthetic/write-model';

/** A recipe whose shape may be partial. */
export interface ModelRecipe extends Omit<FullRecipe, 'shape'> {
  /** What is not given is that of {@link SMALL_SHAPE}. */
  readonly shape?: Partial<ModelShape>;
}

export const SMALL_SHAPE: ModelShape = {
  nLayer: 2,
  nEmbd: 64,
  nHead: 4,
  nHeadKv: 2,
  headDim: 16,
  nExpert: 4,
  nExpertUsed: 2,
  nFfExp: 32,
  nVocab: 288,
};

/** A whole small qwen3moe GGUF in memory, seeded. */
export function makeModel(recipe: ModelRecipe = {}): Uint8Array<ArrayBuffer> {
  return ggufBytes(modelToWrite(recipe));
}

/** The same as a plan for the writer: tensors are made one by one when they are written. */
export function modelToWrite(recipe: ModelRecipe = {}): GgufToWrite {
  return plannedModel({ ...recipe, shape: { ...SMALL_SHAPE, ...recipe.shape } });
}

/** A model on disk, written tensor by tensor. */
export async function writeModelFile(path: string, file: GgufToWrite): Promise<GgufLayout> {
  await writeModelFiles([{ path, file }], { force: true });
  return layoutGguf(file);
}

/**
 * A model whose tensors lie beyond `holeBytes` (default 4 GiB + 4 KiB), behind one unused tensor that is a hole of the sparse file: large to
 * every reader, small on disk.
 */
export function makeSparseModel(
  path: string,
  recipe: ModelRecipe = {},
  holeBytes = 2 ** 32 + 4096,
): Promise<GgufLayout> {
  const model = modelToWrite(recipe);
  const hole: TensorToWrite = { name: 'unused.padding', dims: [holeBytes / 4], type: 'F32' };
  return writeModelFile(path, { ...model, tensors: [hole, ...model.tensors] });
}
