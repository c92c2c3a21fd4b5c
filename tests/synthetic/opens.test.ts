import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/gguf/memory-source';
import type { GgufValue } from '../../src/gguf/model-file';
import { parseHeader } from '../../src/gguf/reader';
import { ggufBytes } from '../../src/gguf/writer';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/weights';
import { fileTypeName } from '../../src/gguf/file-type';
import { namedShape } from '../../src/synthetic/shapes';
import { tokenizerMetadata } from '../../src/synthetic/vocabulary';
import { renderChat } from '../../src/tokenizer/chat';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { recipeOf, openMade } from './support';

describe.each(['tiny', 'small'] as const)('%s', (shape) => {
  it.each([false, true])('opens as a model of its shape, tied %s', async (tied) => {
    const model = await openMade({ shape, tied, theta: 5e5, eps: 1e-5 });
    const hparams = readHParams(model);
    checkWeights(model, hparams);
    const { name, nLayer, nEmbd, nHead, nHeadKv, headDim, nExpert, nExpertUsed, nFfExp, nVocab } = namedShape(shape);
    const sizes = { nLayer, nEmbd, nHead, nHeadKv, headDim, nExpert, nExpertUsed, nFfExp, nVocab };
    expect(hparams).toMatchObject({ ...sizes, tiedEmbeddings: tied, ropeTheta: 5e5, rmsEps: Math.fround(1e-5) });
    expect(fileTypeName(model)).toBe('Q4_K_M');
    expect(createTokenizer(model.metadata).vocabSize).toBe(hparams.nVocab);
    expect(model.metadata.get('general.name')).toContain(name);
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
