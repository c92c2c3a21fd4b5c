import { describe, expect, it } from 'vitest';
import type { Sizes } from '../../src/arch/graph';
import type { GgmlTypeName } from '../../src/gguf/ggml-types';
import { tensorBytes, type TensorToWrite } from '../../src/gguf/writer';
import { modelToWrite } from '../../src/synthetic/model-to-write';
import { archOf, SHAPE_NAMES, type NamedShape, type ShapeName } from '../../src/synthetic/shapes';
import { typePlan, usesMoreBits, weightType } from '../../src/synthetic/type-mix';
import { TYPE_NAMES, type TypeName } from '../../src/synthetic/type-mix';
import { namedShape } from '../../src/synthetic/shapes';
import { recipeOf } from './support';

/* What is written where, without writing it. */

const tensorsOf = (shape: ShapeName, type: TypeName): readonly TensorToWrite[] =>
  modelToWrite(recipeOf({ shape, type })).tensors;

function countTypes(tensors: readonly TensorToWrite[]): Partial<Record<GgmlTypeName, number>> {
  const counts: Partial<Record<GgmlTypeName, number>> = {};
  for (const { type } of tensors) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

const dataBytes = (tensors: readonly TensorToWrite[]): number => tensors.reduce((sum, t) => sum + tensorBytes(t), 0);

/** Bytes of tensor data, reckoned by hand from the shapes; of the 30B Q4_K_M, that of the released file less its header. */
const DATA_BYTES: Readonly<Partial<Record<ShapeName, Partial<Record<TypeName, number>>>>> = {
  'qwen3-30b-a3b': {
    Q4_K_M: 18_550_716_416,
    Q5_K_M: 21_719_611_392,
    Q6_K: 25_086_562_304,
    Q8_0: 32_477_962_240,
  },
  'qwen3-coder-30b-a3b': { Q4_K_M: 18_550_716_416 },
  small: { Q4_K_M: 55_347_200, Q8_0: 97_910_784 },
  tiny: { Q4_K_M: 1_857_792, Q8_0: 3_221_504 },
};

/** Tensors of a layer, counted by hand. */
const TENSORS: Readonly<Record<string, (layer: number, own: Sizes, shape: NamedShape) => number>> = {
  qwen3moe: () => 12,
  // Gated delta nets have tensors of their own; a shared expert is in every layer.
  qwen35moe: (layer, { attnInterval = 0 }) => ((layer + 1) % attnInterval === 0 ? 16 : 19),
  qwen3next: (layer, { attnInterval = 0 }) => ((layer + 1) % attnInterval === 0 ? 16 : 18),
  // Two norms, sinks, and eight matrices with their biases.
  'gpt-oss': () => 3 + 2 * 8,
  // Two norms, four matrices of attention, three biases; three matrices of a dense block, or router, bias, experts and shared expert.
  glm4moe: (layer, { nDense = 0, hasQkNorm = 0 }) => 2 + 4 + 3 + 2 * hasQkNorm + (layer < nDense ? 3 : 2 + 3 + 3),
  // Four norms, four matrices of attention; router, bias, experts.
  'minimax-m2': () => 4 + 4 + 2 + 3,
  qwen3: () => 11,
  // The factors of the rotary frequencies are the whole model's; a router where there are experts.
  llama: (layer, { hasRopeFactors = 0 }, { nExpert }) => 9 + (nExpert > 0 ? 1 : 0) + (layer === 0 ? hasRopeFactors : 0),
  qwen3vlmoe: () => 12,
  olmoe: () => 12,
  // Two norms, four matrices of attention, three biases; router, experts, shared expert and its gate.
  qwen2moe: () => 2 + 4 + 3 + 1 + 3 + 3 + 1,
  granitemoe: () => 2 + 4 + 1 + 3,
  // Two norms, four matrices and a norm of attention, and its queries: one matrix, or two with a norm between them; then as GLM.
  deepseek2: (layer, { nDense = 0, qRank = 0, hasRouterBias = 0 }) =>
    2 + 5 + (qRank > 0 ? 3 : 1) + (layer < nDense ? 3 : 1 + hasRouterBias + 3 + 3),
};

describe.each(SHAPE_NAMES)('%s', (shape) => {
  it('has the tensors of its layers and nothing else', () => {
    const named = namedShape(shape);
    const tensors = tensorsOf(shape, 'Q4_K_M');
    const ofLayer = TENSORS[archOf(named)] ?? (() => NaN);
    const layers = Array.from({ length: named.nLayer }, (_, layer) => ofLayer(layer, named.own ?? {}, named));
    const expected = layers.reduce((a, b) => a + b, 3);
    expect(tensors).toHaveLength(expected);
    expect(new Set(tensors.map((t) => t.name)).size).toBe(tensors.length);
  });

  it.each(TYPE_NAMES.filter((type) => DATA_BYTES[shape]?.[type] !== undefined))('in %s has its size', (type) => {
    expect(dataBytes(tensorsOf(shape, type))).toBe(DATA_BYTES[shape]?.[type]);
  });
});

describe('Qwen3-30B-A3B in Q4_K_M', () => {
  const tensors = tensorsOf('qwen3-30b-a3b', 'Q4_K_M');
  /** Layers 0-5, 8, 11 ... 41, 42-47. */
  const more = [0, 1, 2, 3, 4, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41, 42, 43, 44, 45, 46, 47];

  it('has the released mix of types', () => {
    expect(countTypes(tensors)).toEqual({ F32: 241, Q4_K: 289, Q6_K: 49 });
    const q6 = tensors.filter((t) => t.type === 'Q6_K').map((t) => t.name);
    const expected = more.flatMap((l) => [`blk.${l}.attn_v.weight`, `blk.${l}.ffn_down_exps.weight`]);
    expect(new Set(q6)).toEqual(new Set(['output.weight', ...expected]));
  });

  it('keeps norms and router in F32', () => {
    for (const { name, type } of tensors) {
      expect(type === 'F32', name).toBe(/norm|gate_inp/.test(name));
    }
  });
});

describe('gpt-oss in MXFP4_MOE', () => {
  it('has its experts in MXFP4, other matrices in Q8_0 and all else in F32', () => {
    for (const { name, type } of tensorsOf('gpt-oss-20b', 'MXFP4_MOE')) {
      const expected = /_exps\.weight$/.test(name) ? 'MXFP4' : /norm|sinks|bias|gate_inp/.test(name) ? 'F32' : 'Q8_0';
      expect(type, name).toBe(expected);
    }
  });
});

describe('types', () => {
  it('give more bits as llama.cpp does, also where the layers are no multiple of 8', () => {
    const chosen = (n: number): number[] => Array.from({ length: n }, (_, l) => l).filter((l) => usesMoreBits(l, n));
    expect(chosen(2)).toEqual([1]);
    expect(chosen(6)).toEqual([2, 5]);
    expect(chosen(10)).toEqual([0, 3, 6, 8, 9]);
    expect(chosen(94).slice(0, 15)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 16, 19, 22]);
  });

  it('spend more on attention with exactly eight experts', () => {
    const shape = { ...namedShape('tiny'), nExpert: 8 };
    const q4 = typePlan('Q4_K_M', shape, false);
    expect(weightType(q4, 'attn_v', 0, 256)).toBe('Q8_0');
    expect(weightType(q4, 'attn_k', 0, 256)).toBe('Q8_0');
    expect(weightType(q4, 'attn_output', 0, 256)).toBe('Q5_K');
    expect(weightType(typePlan('Q5_K_M', shape, false), 'attn_output', 0, 256)).toBe('Q5_K');
    expect(weightType(typePlan('Q4_K_M', namedShape('tiny'), false), 'attn_output', 0, 256)).toBe('Q4_K');
  });

  it('make a tied embedding the head that it is', () => {
    const shape = namedShape('tiny');
    expect(weightType(typePlan('Q4_K_M', shape, true), 'token_embd', 0, 256)).toBe('Q6_K');
    expect(weightType(typePlan('Q4_K_M', shape, false), 'token_embd', 0, 256)).toBe('Q4_K');
  });

  it.each([
    ['Q4_K', 96, 'Q5_0'],
    ['Q5_K', 96, 'Q5_1'],
    ['Q6_K', 96, 'Q8_0'],
    ['Q2_K', 96, 'Q4_0'],
    ['Q3_K', 96, 'Q4_0'],
    ['IQ4_XS', 96, 'IQ4_NL'],
    ['Q4_K', 48, 'F16'],
    ['Q8_0', 48, 'F16'],
    ['BF16', 7, 'BF16'],
  ] as const)('%s with rows of %d falls back to %s', (type, rowLength, expected) => {
    expect(weightType({ type }, 'attn_q', 0, rowLength)).toBe(expected);
  });
});

describe('a shared expert', () => {
  it('has a gate in F32, as it is one row', () => {
    const gates = tensorsOf('qwen2-57b-a14b', 'Q4_K_M').filter(({ name }) => name.includes('gate_inp'));
    expect(gates).toHaveLength(2 * 28);
    expect(new Set(gates.map(({ type }) => type))).toEqual(new Set(['F32']));
  });
});
