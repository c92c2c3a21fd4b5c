import { isQuantType, QUANT_TYPES, typeOf, type QuantType } from '../types/types';
import type { WeightRole } from '../model/stages';
import type { ModelShape } from './shapes';

/** One type for all layers, or a type a layer (a real Q4_K_M mixes types between layers). */
export type TypeChoice = QuantType | ((layer: number) => QuantType);

/** Which type each weight gets. */
export interface TypePlan {
  /** Type of every matrix that `types` does not name. The router and the gate of a shared expert are F32 unless named, norms always. */
  readonly type?: TypeChoice;
  readonly types?: Readonly<Record<WeightRole, TypeChoice>>;
}

/** llama.cpp's mixes, by `general.file_type`'s name. */
const MIXES = ['Q4_K_M', 'Q5_K_M', 'MXFP4_MOE'] as const;

export type MixName = (typeof MIXES)[number];

/** What `--type` takes: a mix of llama.cpp's, or one type for every matrix. */
export type TypeName = MixName | QuantType;

export const TYPE_NAMES: readonly TypeName[] = [...MIXES, ...QUANT_TYPES];

/** The plan of a type name: a mix by llama.cpp's rules for this shape, or the same type for every matrix. */
export function typePlan(name: TypeName, shape: ModelShape, tied: boolean): TypePlan {
  switch (name) {
    case 'Q4_K_M':
      return mixPlan('Q4_K', shape, tied);
    case 'Q5_K_M':
      return mixPlan('Q5_K', shape, tied);
    case 'MXFP4_MOE':
      return EXPERTS_IN_MXFP4;
    default:
      return { type: name };
  }
}

/** llama.cpp's mix of gpt-oss: experts as they are released, all else in Q8_0. */
const EXPERTS_IN_MXFP4: TypePlan = {
  type: 'Q8_0',
  types: { ffn_gate_exps: 'MXFP4', ffn_up_exps: 'MXFP4', ffn_down_exps: 'MXFP4' },
};

/**
 * What llama.cpp's `llama_tensor_get_type` (src/llama-quant.cpp) makes of a Q4_K_M or Q5_K_M of this architecture: Q6_K for the head, and
 * for `attn_v` and `ffn_down(_exps)` of the layers that get more bits; models of exactly 8 experts (Mixtral's rule) spend more on attention.
 */
function mixPlan(most: 'Q4_K' | 'Q5_K', shape: ModelShape, tied: boolean): TypePlan {
  const moreBits = (layer: number): QuantType => (usesMoreBits(layer, shape.nLayer) ? 'Q6_K' : most);
  const eightExperts: TypePlan['types'] =
    shape.nExpert === 8
      ? { attn_v: 'Q8_0', attn_k: 'Q8_0', ...(most === 'Q4_K' ? { attn_output: 'Q5_K' } : {}) }
      : undefined;
  return {
    type: most,
    types: {
      attn_v: moreBits,
      ffn_down: moreBits,
      ffn_down_exps: moreBits,
      ...eightExperts,
      ...(tied ? { token_embd: 'Q6_K' } : { output: 'Q6_K' }),
    },
  };
}

/** llama.cpp's `use_more_bits`: the first and the last eighth of the layers, and every third between. */
export function usesMoreBits(layer: number, nLayer: number): boolean {
  const eighth = Math.floor(nLayer / 8);
  return layer < eighth || layer >= Math.floor((7 * nLayer) / 8) || (layer - eighth) % 3 === 2;
}

/** The type of one matrix with rows of `rowLength` elements. */
export function weightType(plan: TypePlan, role: string, layer: number, rowLength: number): QuantType {
  const named = plan.types?.[role];
  const choice = named ?? (role.startsWith('ffn_gate_inp') ? 'F32' : (plan.type ?? 'F32'));
  return fitting(typeof choice === 'string' ? choice : choice(layer), rowLength);
}

/** The type itself, or what llama.cpp would take instead for rows of this length. */
function fitting(type: QuantType, rowLength: number): QuantType {
  const { blockSize, fallback } = typeOf(type);
  if (rowLength % blockSize === 0) return type;
  return fallback !== undefined && isQuantType(fallback.name) && rowLength % fallback.blockSize === 0
    ? fallback.name
    : 'F16';
}
