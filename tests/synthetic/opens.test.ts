import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import { memorySource } from '../../src/gguf/memory-source';
import type { GgufValue } from '../../src/gguf/model-file';
import { parseHeader } from '../../src/gguf/reader';
import { ggufBytes } from '../../src/gguf/writer';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { fileTypeName } from '../../src/gguf/file-type';
import { namedShape, SHAPE_ARCHS, SHAPE_NAMES, shapeOfArch } from '../../src/synthetic/shapes';
import { tokenizerMetadata } from '../../src/synthetic/vocabulary';
import { renderChat } from '../../src/tokenizer/chat';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { recipeOf, openMade } from './support';

const SMALL = [
  'tiny',
  'small',
  'tiny-qwen35moe',
  'tiny-qwen3next',
  'tiny-gpt-oss',
  'tiny-glm4moe',
  'tiny-minimax-m2',
  'tiny-qwen3',
  'tiny-llama',
  'tiny-deepseek2',
  'tiny-qwen3vlmoe',
  'tiny-olmoe',
  'tiny-qwen2moe',
  'tiny-granitemoe',
  'tiny-mixtral',
];
/** Architectures whose files always have a head of their own. */
const UNTIED = ['gpt-oss', 'minimax-m2', 'olmoe', 'qwen2moe'];

describe.each(SHAPE_NAMES.filter((name) => SMALL.includes(name)))('%s', (shape) => {
  it.each([false, true])('opens as a model of its shape, tied %s', async (tied) => {
    const model = await openMade({ shape, tied, theta: 5e5, eps: 1e-5 });
    const hparams = readHParams(model);
    expect(checkWeights(model, hparams)).toEqual([]);
    const { name, nLayer, nEmbd, nHead, nHeadKv, headDim, nExpert, nExpertUsed, nFfExp, nVocab } = namedShape(shape);
    const sizes = { nLayer, nEmbd, nHead, nHeadKv, headDim, nExpert, nExpertUsed, nFfExp, nVocab };
    expect(hparams).toMatchObject({
      ...sizes,
      tiedEmbeddings: tied && !UNTIED.includes(hparams.arch),
      ropeTheta: 5e5,
      rmsEps: Math.fround(1e-5),
    });
    expect(fileTypeName(model)).toBe('Q4_K_M');
    expect(createTokenizer(model.metadata).vocabSize).toBe(hparams.nVocab);
    expect(model.metadata.get('general.name')).toContain(name);
  });
});

describe('shapes with gated delta nets', () => {
  it.each([
    ['qwen3.5-35b-a3b', 'qwen35moe', 256],
    ['qwen3-next-80b-a3b', 'qwen3next', 512],
  ] as const)('%s has its sizes', async (shape, arch, nExpert) => {
    expect(shapeOfArch(arch)).toBe(shape);
    expect(namedShape(shape)).toMatchObject({ arch, nExpert });
    const model = await openMade({ shape, sizes: { nLayer: 4, nEmbd: 256, nFfExp: 256, nExpert: 16, nVocab: 512 } });
    const hparams = readHParams(model);
    expect(checkWeights(model, hparams)).toEqual([]);
    const own = { nConv: 4, dState: 128, nHeadV: 32, nHeadK: 16, nRot: 64, nFfShexp: 512, attnPeriod: 4 };
    expect(hparams).toMatchObject({ arch, nHead: 16, nHeadKv: 2, headDim: 256, ropeTheta: 1e7, ...own });
  });
});

describe('shapes of other architectures', () => {
  it.each([
    [
      'gpt-oss-20b',
      { arch: 'gpt-oss', nHead: 64, nHeadKv: 8, headDim: 64, nExpertUsed: 4, ropeTheta: 150_000, rmsEps: 1e-5 },
      { window: 128, windowPeriod: 2, ropeScaling: 2, ropeFactor: 32, ropeContext: 4096, nCtxTrain: 131_072 },
    ],
    ['gpt-oss-120b', { arch: 'gpt-oss', nHead: 64, nLayer: 2 }, { window: 128 }],
    [
      'glm-4.5-air',
      { arch: 'glm4moe', nHead: 96, nHeadKv: 8, headDim: 128, nExpertUsed: 8, ropeTheta: 1e6, rmsEps: 1e-5 },
      { nRot: 64, nDense: 1, nFf: 10_944, nShared: 1, gating: 2, isNormalised: 1, hasRouterBias: 1, hasQkNorm: 0 },
    ],
    [
      'minimax-m2',
      { arch: 'minimax-m2', nHead: 48, nHeadKv: 8, headDim: 128, nExpertUsed: 8, ropeTheta: 5e6, rmsEps: 1e-6 },
      { nRot: 64, gating: 2, nFfExp: 256 },
    ],
    [
      'qwen3-vl-30b-a3b',
      { arch: 'qwen3vlmoe', nHead: 32, nHeadKv: 4, headDim: 128, nExpertUsed: 8, ropeTheta: 5e6, rmsEps: 1e-6 },
      { nRot: 128, nCtxTrain: 262_144 },
    ],
    [
      'olmoe-1b-7b',
      { arch: 'olmoe', nHead: 16, nHeadKv: 16, headDim: 128, nExpertUsed: 8, ropeTheta: 1e4, rmsEps: 1e-5 },
      { nFf: 1024, nCtxTrain: 4096 },
    ],
    [
      'qwen2-57b-a14b',
      { arch: 'qwen2moe', nHead: 28, nHeadKv: 4, headDim: 128, nExpertUsed: 8, ropeTheta: 1e6, rmsEps: 1e-6 },
      { nFfShexp: 20_480, nCtxTrain: 32_768 },
    ],
    [
      'granite-3.1-3b-a800m',
      { arch: 'granitemoe', nHead: 24, nHeadKv: 8, headDim: 64, nExpertUsed: 8, ropeTheta: 1e7, rmsEps: 1e-6 },
      { embeddingScale: 12, residualScale: Math.fround(0.22), attentionScale: 1 / 64, logitScale: 6 },
    ],
    [
      'mixtral-8x7b',
      { arch: 'llama', nHead: 32, nHeadKv: 8, headDim: 128, nExpertUsed: 2, ropeTheta: 1e6, rmsEps: 1e-5 },
      { hasRopeFactors: 0, nCtxTrain: 32_768 },
    ],
  ] as const)('%s has its constants at any depth', async (shape, common, own) => {
    expect(shapeOfArch('gpt-oss')).toBe('gpt-oss-20b');
    const model = await openMade({ shape, sizes: { nLayer: 2, nEmbd: 256, nFfExp: 256, nExpert: 8, nVocab: 512 } });
    const hparams = readHParams(model);
    expect(checkWeights(model, hparams)).toEqual([]);
    const { rmsEps, ...rest } = { rmsEps: hparams.rmsEps, ...common };
    expect(hparams).toMatchObject({ ...rest, ...own, rmsEps: Math.fround(rmsEps) });
  });

  it.each([
    ['gpt-oss-20b', 24, 32],
    ['gpt-oss-120b', 36, 128],
    ['glm-4.5-air', 46, 128],
    ['minimax-m2', 62, 256],
    ['qwen3-vl-30b-a3b', 48, 128],
    ['olmoe-1b-7b', 16, 64],
    ['qwen2-57b-a14b', 28, 64],
    ['granite-3.1-3b-a800m', 32, 40],
    ['mixtral-8x7b', 32, 8],
  ] as const)('%s has %i layers of %i experts', (shape, nLayer, nExpert) => {
    expect(namedShape(shape)).toMatchObject({ nLayer, nExpert });
  });
});

describe('shapes without experts, and with latent attention', () => {
  const small = { nEmbd: 256, nVocab: 512 };

  it.each([
    ['qwen3-8b', 'qwen3', { nFf: 12_288, nExpert: 0, headDim: 128, ropeTheta: 1e6 }],
    ['llama-3.1-8b', 'llama', { nFf: 14_336, nExpert: 0, hasRopeFactors: 1, ropeTheta: 5e5 }],
    ['deepseek-v2-lite', 'deepseek2', { kvRank: 512, qRank: 0, nGroup: 1, nShared: 2, gating: 1 }],
    ['deepseek-v3', 'deepseek2', { kvRank: 512, qRank: 1536, nGroup: 8, nGroupUsed: 4, shareScale: 2.5, gating: 2 }],
  ] as const)('%s has its sizes', async (shape, arch, own) => {
    const ofExperts = arch === 'deepseek2' ? { nFfExp: 256, nExpert: 16, nHead: 2 } : {};
    const model = await openMade({ shape, sizes: { ...small, ...ofExperts, nLayer: arch === 'deepseek2' ? 4 : 1 } });
    const hparams = readHParams(model);
    expect(checkWeights(model, hparams)).toEqual([]);
    expect(hparams).toMatchObject({ arch, ...own });
  });

  it('there is one of every architecture', () => {
    expect([...SHAPE_ARCHS].sort()).toEqual(ARCHITECTURES.map(({ name }) => name).sort());
  });

  it('the first of an architecture is what is made where none is named', () => {
    expect(['qwen3', 'llama', 'deepseek2'].map(shapeOfArch)).toEqual(['qwen3-8b', 'llama-3.1-8b', 'deepseek-v2-lite']);
  });
});

describe('released shapes', () => {
  it.each([
    ['qwen3-30b-a3b', 1e6, 40_960],
    ['qwen3-coder-30b-a3b', 1e7, 262_144],
  ] as const)('%s has its constants', async (shape, theta, context) => {
    const model = await openMade({
      shape,
      sizes: { nLayer: 1, nEmbd: 256, nFfExp: 256, nExpert: 8, nVocab: 512 },
    });
    const hparams = readHParams(model);
    expect(hparams).toMatchObject({ nHead: 32, nHeadKv: 4, headDim: 128, nExpertUsed: 8, ropeTheta: theta });
    expect(hparams.nCtxTrain).toBe(context);
    expect(hparams.rmsEps).toBe(Math.fround(1e-6));
  });
});

describe('the vocabulary', () => {
  const metadataOf = async (nVocab: number): Promise<ReadonlyMap<string, GgufValue>> => {
    const header = ggufBytes({ metadata: tokenizerMetadata(nVocab), tensors: [] });
    return (await parseHeader(memorySource(header, 'vocabulary.gguf'))).metadata;
  };
  const TEXT = 'The quick brown fox, 12 "foxes" and\n\tthe rest: naïve 日本語 🎲 end';

  it.each([260, 288, 512, 20_000, 151_936])('of %d tokens writes and reads any text', async (nVocab) => {
    const tokenizer = createTokenizer(await metadataOf(nVocab));
    expect(tokenizer.vocabSize).toBe(nVocab);
    const ids = tokenizer.encode(TEXT, { parseSpecial: false });
    expect(tokenizer.decode(ids)).toBe(TEXT);
    expect(Math.max(...ids)).toBeLessThan(nVocab);
    if (nVocab > 288) expect(ids.length).toBeLessThan(0.95 * new TextEncoder().encode(TEXT).length);
  });

  it('merges letters into longer tokens in the full vocabulary', async () => {
    const tokenizer = createTokenizer(await metadataOf(151_936));
    const text = 'the thing and another thing that nobody knows';
    expect(tokenizer.encode(text, { parseSpecial: false }).length).toBeLessThan(text.length / 2);
  });

  it('has no token twice and the special tokens at the end', async () => {
    const tokenizer = createTokenizer(await metadataOf(151_936));
    const chat = '<|im_start|>user\nHi<|im_end|>\n<|endoftext|>';
    const ids = tokenizer.encode(chat, { parseSpecial: true });
    expect(ids[0]).toBe(151_934);
    expect(ids).toContain(151_935);
    expect(ids.at(-1)).toBe(151_933);
    expect(tokenizer.eosId).toBe(151_935);
    expect(tokenizer.bosId).toBe(151_933);
    expect(tokenizer.addBos).toBe(false);
    expect(tokenizer.encode(chat, { parseSpecial: false })).not.toContain(151_934);
  });

  it('renders a chat', async () => {
    const metadata = await metadataOf(512);
    const messages = [{ role: 'user', content: 'Hi' }];
    expect(renderChat(metadata, messages, { addGenerationPrompt: true })).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('pads what letters do not fill with unused tokens', () => {
    const values = new Map(tokenizerMetadata(500_000)).get('tokenizer.ggml.token_type');
    expect(values?.type === 'array' && values.value.length).toBe(500_000);
    expect(values?.type === 'array' && values.value[499_999]).toBe(5);
  });
});

describe('a wish', () => {
  it.each([{ nHead: 6, nHeadKv: 4 }, { nExpert: 2, nExpertUsed: 3 }, { headDim: 65 }])(
    'that contradicts itself is refused: %o',
    (sizes) => {
      expect(() => recipeOf({ sizes })).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});
