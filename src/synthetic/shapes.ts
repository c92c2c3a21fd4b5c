import type { Sizes } from '../arch/graph';
import { SIGMOID, SOFTMAX } from '../arch/partly-dense';

/** The sizes of a model; names as in the hyperparameters. */
export interface ModelShape {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
  readonly nVocab: number;
}

/** A shape with the constants that go with it. */
export interface NamedShape extends ModelShape {
  readonly name: string;
  /** `general.architecture`: qwen3moe where it says none. */
  readonly arch?: string;
  /** Sizes that only this architecture has. */
  readonly own?: Sizes;
  readonly theta: number;
  readonly eps: number;
  readonly nCtxTrain: number;
}

const QWEN3_30B = {
  nLayer: 48,
  nEmbd: 2048,
  nHead: 32,
  nHeadKv: 4,
  headDim: 128,
  nExpert: 128,
  nExpertUsed: 8,
  nFfExp: 768,
  nVocab: 151_936,
  eps: 1e-6,
} as const;

/** Of Qwen3-Next and Qwen3.5-MoE. */
const DELTA_NETS = {
  ...{ nEmbd: 2048, nHead: 16, nHeadKv: 2, headDim: 256, nFfExp: 512, eps: 1e-6, theta: 1e7, nCtxTrain: 262_144 },
  own: { nRot: 64, nFfShexp: 512, nConv: 4, dInner: 4096, dState: 128, nHeadV: 32, nHeadK: 16, attnInterval: 4 },
} as const;
const TINY_DELTA_NETS = {
  ...{ nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 1, headDim: 64, nExpert: 6, nExpertUsed: 3, nFfExp: 256, nVocab: 512 },
  ...{ theta: 1e6, eps: 1e-6, nCtxTrain: 4096 },
  own: { nRot: 32, nFfShexp: 256, nConv: 4, dInner: 192, dState: 32, nHeadV: 6, nHeadK: 2, attnInterval: 2 },
} as const;

/** What keys that are words say, by their numbers. */
const NO = 0;
const YES = 1;
const YARN = 2;

const GPT_OSS = {
  arch: 'gpt-oss',
  ...{ nEmbd: 2880, nHead: 64, nHeadKv: 8, headDim: 64, nExpertUsed: 4, nFfExp: 2880, nVocab: 201_088 },
  ...{ theta: 150_000, eps: 1e-5, nCtxTrain: 131_072 },
  own: { window: 128, ropeScaling: YARN, ropeFactor: 32, ropeContext: 4096 },
} as const;
const GLM = { nShared: 1, isNormalised: YES, gating: SIGMOID, hasRouterBias: YES } as const;
const TINY = {
  ...{ nLayer: 3, nEmbd: 256, nHead: 4, nHeadKv: 2, headDim: 64, nExpert: 6, nExpertUsed: 3, nFfExp: 256, nVocab: 512 },
  ...{ theta: 1e6, eps: 1e-6, nCtxTrain: 4096 },
} as const;

/** Of DeepSeek-V2 and V3: heads of 128 channels and 64 that turn, made of 512. */
const LATENT = {
  ...{ valueDim: 512, kvRank: 512, nRot: 64, keyDim: 192, outDim: 128 },
  ...{ ropeScaling: YARN, ropeFactor: 40, ropeContext: 4096 },
} as const;

/** What Granite scales embeddings, branches, scores and logits by. */
const GRANITE = { embeddingScale: 12, residualScale: 0.22, attentionScale: 1 / 64, logitScale: 6 } as const;

/** No experts: what a dense model has for their sizes. */
const DENSE = { nExpert: 0, nExpertUsed: 0, nFfExp: 0 } as const;
const TINY_DENSE = {
  ...DENSE,
  ...{ nLayer: 2, nEmbd: 256, nHead: 4, nHeadKv: 2, headDim: 64, nVocab: 512, eps: 1e-6, nCtxTrain: 4096 },
} as const;

/** The shapes that have a name: released models, and some that run in seconds on a CPU. */
export const NAMED_SHAPES = [
  { name: 'qwen3-30b-a3b', ...QWEN3_30B, theta: 1e6, nCtxTrain: 40_960 },
  { name: 'qwen3-coder-30b-a3b', ...QWEN3_30B, theta: 1e7, nCtxTrain: 262_144 },
  {
    name: 'qwen3.5-35b-a3b',
    arch: 'qwen35moe',
    ...DELTA_NETS,
    nLayer: 40,
    nExpert: 256,
    nExpertUsed: 8,
    nVocab: 248_320,
  },
  {
    name: 'qwen3-next-80b-a3b',
    arch: 'qwen3next',
    ...DELTA_NETS,
    nLayer: 48,
    nExpert: 512,
    nExpertUsed: 10,
    nVocab: 151_936,
  },
  { name: 'gpt-oss-20b', ...GPT_OSS, nLayer: 24, nExpert: 32 },
  { name: 'gpt-oss-120b', ...GPT_OSS, nLayer: 36, nExpert: 128 },
  {
    ...{ name: 'glm-4.5-air', arch: 'glm4moe', nLayer: 46 },
    ...{ nEmbd: 4096, nHead: 96, nHeadKv: 8, headDim: 128, nExpert: 128, nExpertUsed: 8, nFfExp: 1408 },
    ...{ nVocab: 151_552, theta: 1e6, eps: 1e-5, nCtxTrain: 131_072 },
    own: { ...GLM, nFf: 10_944, nRot: 64, nDense: 1 },
  },
  {
    ...{ name: 'minimax-m2', arch: 'minimax-m2', nLayer: 62 },
    ...{ nEmbd: 3072, nHead: 48, nHeadKv: 8, headDim: 128, nExpert: 256, nExpertUsed: 8, nFfExp: 1536 },
    ...{ nVocab: 200_064, theta: 5e6, eps: 1e-6, nCtxTrain: 196_608 },
    own: { nRot: 64, gating: SIGMOID },
  },
  { name: 'tiny-gpt-oss', arch: 'gpt-oss', ...TINY, own: { ...GPT_OSS.own, window: 4, ropeContext: 64 } },
  {
    ...{ name: 'tiny-glm4moe', arch: 'glm4moe', ...TINY },
    own: { ...GLM, nFf: 512, nRot: 32, nDense: 1, shareScale: 1.5, hasQkNorm: YES },
  },
  { name: 'tiny-minimax-m2', arch: 'minimax-m2', ...TINY, own: { nRot: 32, gating: SIGMOID } },
  {
    name: 'qwen3-8b',
    arch: 'qwen3',
    ...DENSE,
    ...{ nLayer: 36, nEmbd: 4096, nHead: 32, nHeadKv: 8, headDim: 128, nVocab: 151_936 },
    ...{ eps: 1e-6, theta: 1e6, nCtxTrain: 40_960 },
    own: { nFf: 12_288 },
  },
  {
    name: 'llama-3.1-8b',
    arch: 'llama',
    ...DENSE,
    ...{ nLayer: 32, nEmbd: 4096, nHead: 32, nHeadKv: 8, headDim: 128, nVocab: 128_256 },
    ...{ eps: 1e-5, theta: 5e5, nCtxTrain: 131_072 },
    own: { nFf: 14_336, hasRopeFactors: YES },
  },
  {
    name: 'deepseek-v2-lite',
    arch: 'deepseek2',
    ...{ nLayer: 27, nEmbd: 2048, nHead: 16, nHeadKv: 1, headDim: 576, nVocab: 102_400 },
    ...{ nExpert: 64, nExpertUsed: 6, nFfExp: 1408, eps: 1e-6, theta: 1e4, nCtxTrain: 163_840 },
    own: {
      ...{ ...LATENT, yarnLog: 0.0707, qRank: 0 },
      ...{ nFf: 10_944, nDense: 1, nShared: 2, gating: SOFTMAX, isNormalised: NO, shareScale: 1 },
    },
  },
  {
    name: 'deepseek-v3',
    arch: 'deepseek2',
    ...{ nLayer: 61, nEmbd: 7168, nHead: 128, nHeadKv: 1, headDim: 576, nVocab: 129_280 },
    ...{ nExpert: 256, nExpertUsed: 8, nFfExp: 2048, eps: 1e-6, theta: 1e4, nCtxTrain: 163_840 },
    own: {
      ...{ ...LATENT, yarnLog: 0.1, qRank: 1536, hasRouterBias: YES, nGroup: 8, nGroupUsed: 4 },
      ...{ nFf: 18_432, nDense: 3, nShared: 1, gating: SIGMOID, isNormalised: YES, shareScale: 2.5 },
    },
  },
  {
    name: 'tiny-deepseek2',
    arch: 'deepseek2',
    ...{ nLayer: 3, nEmbd: 256, nHead: 4, nHeadKv: 1, headDim: 96, nVocab: 512 },
    ...{ nExpert: 8, nExpertUsed: 3, nFfExp: 256, eps: 1e-6, theta: 1e4, nCtxTrain: 4096 },
    own: {
      ...{ valueDim: 64, kvRank: 64, nRot: 32, keyDim: 96, outDim: 64, qRank: 256, hasRouterBias: YES },
      ...{ nGroup: 4, nGroupUsed: 2, nFf: 512, nDense: 1, nShared: 1 },
      ...{ gating: SIGMOID, isNormalised: YES, shareScale: 2.5 },
    },
  },
  {
    ...{ name: 'qwen3-vl-30b-a3b', arch: 'qwen3vlmoe' },
    ...{ ...QWEN3_30B, theta: 5e6, nCtxTrain: 262_144 },
  },
  {
    ...{ name: 'olmoe-1b-7b', arch: 'olmoe', nLayer: 16 },
    ...{ nEmbd: 2048, nHead: 16, nHeadKv: 16, headDim: 128, nExpert: 64, nExpertUsed: 8, nFfExp: 1024 },
    ...{ nVocab: 50_304, theta: 1e4, eps: 1e-5, nCtxTrain: 4096 },
    own: { nFf: 1024 },
  },
  {
    ...{ name: 'qwen2-57b-a14b', arch: 'qwen2moe', nLayer: 28 },
    ...{ nEmbd: 3584, nHead: 28, nHeadKv: 4, headDim: 128, nExpert: 64, nExpertUsed: 8, nFfExp: 2560 },
    ...{ nVocab: 151_936, theta: 1e6, eps: 1e-6, nCtxTrain: 32_768 },
    own: { nFf: 18_944, nFfShexp: 20_480 },
  },
  {
    ...{ name: 'granite-3.1-3b-a800m', arch: 'granitemoe', nLayer: 32 },
    ...{ nEmbd: 1536, nHead: 24, nHeadKv: 8, headDim: 64, nExpert: 40, nExpertUsed: 8, nFfExp: 512 },
    ...{ nVocab: 49_155, theta: 1e7, eps: 1e-6, nCtxTrain: 131_072 },
    own: { ...GRANITE, nFf: 512 },
  },
  {
    ...{ name: 'mixtral-8x7b', arch: 'llama', nLayer: 32 },
    ...{ nEmbd: 4096, nHead: 32, nHeadKv: 8, headDim: 128, nExpert: 8, nExpertUsed: 2, nFfExp: 14_336 },
    ...{ nVocab: 32_000, theta: 1e6, eps: 1e-5, nCtxTrain: 32_768 },
    own: { nFf: 14_336 },
  },
  { name: 'tiny-qwen3vlmoe', arch: 'qwen3vlmoe', ...TINY },
  { name: 'tiny-olmoe', arch: 'olmoe', ...TINY, nHeadKv: 4, own: { nFf: 256 } },
  { name: 'tiny-qwen2moe', arch: 'qwen2moe', ...TINY, own: { nFf: 512, nFfShexp: 512 } },
  { name: 'tiny-granitemoe', arch: 'granitemoe', ...TINY, own: { ...GRANITE, nFf: 256 } },
  { name: 'tiny-mixtral', arch: 'llama', ...TINY, own: { nFf: 256 } },
  { name: 'tiny-qwen3', arch: 'qwen3', ...TINY_DENSE, theta: 1e6, own: { nFf: 512 } },
  { name: 'tiny-llama', arch: 'llama', ...TINY_DENSE, theta: 5e5, own: { nFf: 512, hasRopeFactors: YES } },
  { name: 'tiny-qwen35moe', arch: 'qwen35moe', ...TINY_DELTA_NETS },
  { name: 'tiny-qwen3next', arch: 'qwen3next', ...TINY_DELTA_NETS },
  {
    name: 'small',
    nLayer: 6,
    nEmbd: 512,
    nHead: 8,
    nHeadKv: 2,
    headDim: 128,
    nExpert: 32,
    nExpertUsed: 4,
    nFfExp: 256,
    nVocab: 8192,
    theta: 1e6,
    eps: 1e-6,
    nCtxTrain: 4096,
  },
  {
    name: 'tiny',
    nLayer: 2,
    nEmbd: 256,
    nHead: 4,
    nHeadKv: 2,
    headDim: 64,
    nExpert: 6,
    nExpertUsed: 3,
    nFfExp: 256,
    nVocab: 512,
    theta: 1e6,
    eps: 1e-6,
    nCtxTrain: 4096,
  },
] as const satisfies readonly NamedShape[];

export type ShapeName = (typeof NAMED_SHAPES)[number]['name'];

export const SHAPE_NAMES: readonly ShapeName[] = NAMED_SHAPES.map((shape) => shape.name);

/** The architectures that there is a shape of. */
export const SHAPE_ARCHS: readonly string[] = [...new Set(SHAPE_NAMES.map((name) => archOf(namedShape(name))))];

/** The first shape of an architecture: a released model's. */
export function shapeOfArch(arch: string): ShapeName {
  const shape = SHAPE_NAMES.find((name) => archOf(namedShape(name)) === arch);
  if (shape === undefined) throw new RangeError(`no shape of ${arch}`);
  return shape;
}

/** The architecture of a shape. */
export function archOf({ arch = 'qwen3moe' }: Pick<NamedShape, 'arch'>): string {
  return arch;
}

/** The shape with this name. */
export function namedShape(name: ShapeName): NamedShape {
  const shape = NAMED_SHAPES.find((candidate) => candidate.name === name);
  if (shape === undefined) throw new RangeError(`no shape ${name}`);
  return shape;
}
