import { fail } from '../base/errors';
import { isQuantType, QUANT_TYPES, type QuantType } from '../gguf/ggml-types';
import type { ModelFile, TensorInfo } from '../gguf/model-file';
import type { HParams } from './hparams';
import { stageSpec, type StageId, type WeightRole } from './stages';

interface WeightSpec {
  /** GGUF name; `{l}` is the layer. */
  readonly name: string;
  /** ggml dimension order, fastest first. */
  readonly dims: readonly ('nEmbd' | 'qDim' | 'kvDim' | 'headDim' | 'nExpert' | 'nFfExp' | 'nVocab')[];
}

/** Every weight of a Qwen3-MoE model: GGUF name and shape. */
export const WEIGHTS = {
  token_embd: { name: 'token_embd.weight', dims: ['nEmbd', 'nVocab'] },
  attn_norm: { name: 'blk.{l}.attn_norm.weight', dims: ['nEmbd'] },
  attn_q: { name: 'blk.{l}.attn_q.weight', dims: ['nEmbd', 'qDim'] },
  attn_k: { name: 'blk.{l}.attn_k.weight', dims: ['nEmbd', 'kvDim'] },
  attn_v: { name: 'blk.{l}.attn_v.weight', dims: ['nEmbd', 'kvDim'] },
  attn_q_norm: { name: 'blk.{l}.attn_q_norm.weight', dims: ['headDim'] },
  attn_k_norm: { name: 'blk.{l}.attn_k_norm.weight', dims: ['headDim'] },
  attn_output: { name: 'blk.{l}.attn_output.weight', dims: ['qDim', 'nEmbd'] },
  ffn_norm: { name: 'blk.{l}.ffn_norm.weight', dims: ['nEmbd'] },
  ffn_gate_inp: { name: 'blk.{l}.ffn_gate_inp.weight', dims: ['nEmbd', 'nExpert'] },
  ffn_gate_exps: { name: 'blk.{l}.ffn_gate_exps.weight', dims: ['nEmbd', 'nFfExp', 'nExpert'] },
  ffn_up_exps: { name: 'blk.{l}.ffn_up_exps.weight', dims: ['nEmbd', 'nFfExp', 'nExpert'] },
  ffn_down_exps: { name: 'blk.{l}.ffn_down_exps.weight', dims: ['nFfExp', 'nEmbd', 'nExpert'] },
  output_norm: { name: 'output_norm.weight', dims: ['nEmbd'] },
  output: { name: 'output.weight', dims: ['nEmbd', 'nVocab'] },
} as const satisfies Record<WeightRole, WeightSpec>;

/** Whether a name is a weight's role. */
export function isWeightRole(name: string): name is WeightRole {
  return name in WEIGHTS;
}

export const WEIGHT_ROLES: readonly WeightRole[] = Object.keys(WEIGHTS).filter(isWeightRole);

/** A tensor whose type both arms can run. */
export interface WeightTensor extends TensorInfo {
  readonly type: QuantType;
}

/** Terms of one sum of a product stage: the row length of its weights. Undefined for stages that are no products. */
export function termsOf(stage: StageId, hparams: HParams): number | undefined {
  const { operation, weights } = stageSpec(stage);
  const role = weights[0];
  if ((operation !== 'matmul' && operation !== 'expert-matmul') || role === undefined) return undefined;
  return hparams[WEIGHTS[role].dims[0]];
}

/** The GGUF name of a weight. With tied embeddings, `output` is the token embedding. */
export function weightName(
  role: WeightRole,
  layer: number | undefined,
  hparams: Pick<HParams, 'tiedEmbeddings'>,
): string {
  const actual: WeightRole = role === 'output' && hparams.tiedEmbeddings ? 'token_embd' : role;
  return WEIGHTS[actual].name.replace('{l}', String(layer ?? ''));
}

/**
 * Finds a weight and checks that it is there, has the shape that the hyperparameters ask for, and a type that can be run.
 * @throws TracerError `gguf-missing-tensor`, `gguf-tensor-shape`, `gguf-tensor-type`; each names the tensor.
 */
export function findWeight(model: ModelFile, hparams: HParams, role: WeightRole, layer?: number): WeightTensor {
  const name = weightName(role, layer, hparams);
  const info = model.tensors.get(name);
  if (info === undefined) {
    throw fail(
      'gguf-missing-tensor',
      `Tensor ${name} is missing from ${model.name}.`,
      'The file is incomplete or is not a Qwen3-MoE export. Convert or download it again; drop all parts of a split model together.',
      { tensor: name },
    );
  }
  const dims = WEIGHTS[role].dims.map((d) => hparams[d]);
  if (dims.length !== info.dims.length || dims.some((d, i) => d !== info.dims[i])) {
    throw fail(
      'gguf-tensor-shape',
      `Tensor ${name} has shape [${info.dims.join(', ')}]; the metadata asks for [${dims.join(', ')}].`,
      'The metadata and the tensors of this file do not belong together. Convert it again.',
      { tensor: name, expected: dims.join(' x '), actual: info.dims.join(' x ') },
    );
  }
  if (!isQuantType(info.type)) {
    throw fail(
      'gguf-tensor-type',
      `Tensor ${name} has type ${info.type}, which MoEscope cannot run.`,
      `Types that run: ${QUANT_TYPES.join(', ')}. Requantise the model to one of them.`,
      { tensor: name, type: info.type },
    );
  }
  return { ...info, type: info.type };
}

/** Checks every weight of the model before a run starts. @throws TracerError as {@link findWeight}. */
export function checkWeights(model: ModelFile, hparams: HParams): void {
  for (const role of WEIGHT_ROLES) {
    if (!WEIGHTS[role].name.includes('{l}')) findWeight(model, hparams, role);
    else for (let l = 0; l < hparams.nLayer; l++) findWeight(model, hparams, role, l);
  }
}
