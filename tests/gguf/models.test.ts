import { describe, expect, it } from 'vitest';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { isQuantType, QUANT_TYPES } from '../../src/gguf/ggml-types';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { makeModel, SMALL_SHAPE, type ModelRecipe } from '../support/gguf-models';

/* The generator that other tests build on: what it makes must be whole, runnable models of exactly the asked shape and types. */

const open = (recipe: ModelRecipe) => openModel([memorySource(makeModel(recipe), 'generated.gguf')]);

describe('generated models', () => {
  it.each(QUANT_TYPES)('in %s are complete and finite', async (type) => {
    const model = await open({ type, shape: { nEmbd: 256, nFfExp: 256, nHead: 4, headDim: 64, nLayer: 1 } });
    const hparams = readHParams(model);
    checkWeights(model, hparams);
    expect(hparams).toMatchObject({
      ...SMALL_SHAPE,
      nEmbd: 256,
      nFfExp: 256,
      headDim: 64,
      nLayer: 1,
      qDim: 256,
      kvDim: 128,
    });
    for (const tensor of model.tensors.values()) {
      if (!isQuantType(tensor.type)) throw new Error(`${tensor.name} is ${tensor.type}`);
      const norm = tensor.name.includes('norm');
      expect(tensor.type).toBe(norm || tensor.name.includes('gate_inp') ? 'F32' : type);
      const values = new Float32Array(tensor.elements);
      dequantizeRows(tensor.type, await model.readTensor(tensor, 0, tensor.bytes), 0, values, 0, tensor.elements);
      expect(values.every(Number.isFinite)).toBe(true);
      const mean = values.reduce((s, v) => s + v, 0) / values.length;
      if (norm) expect(Math.abs(mean / (/attn_[qk]_norm/.test(tensor.name) ? 1.5 : 1) - 1)).toBeLessThan(0.15);
      else expect(Math.abs(mean)).toBeLessThan(0.1);
    }
  });

  it('fall back where a row is no multiple of a super-block, as llama.cpp does', async () => {
    const model = await open({ type: 'Q4_K', shape: { nEmbd: 256, nFfExp: 96 } });
    expect(model.tensors.get('blk.0.ffn_gate_exps.weight')?.type).toBe('Q4_K');
    expect(model.tensors.get('blk.0.ffn_down_exps.weight')?.type).toBe('Q5_0');
    const odd = await open({ type: 'Q6_K', shape: { nEmbd: 40, headDim: 12, nFfExp: 20 } });
    expect(odd.tensors.get('blk.0.attn_q.weight')?.type).toBe('F16');
    checkWeights(odd, readHParams(odd));
  });

  it('mix types by role and by layer', async () => {
    const model = await open({
      type: 'Q8_0',
      types: { output: 'Q4_0', ffn_down_exps: (layer) => (layer === 0 ? 'Q5_1' : 'IQ4_NL'), ffn_gate_inp: 'BF16' },
    });
    expect(model.tensors.get('output.weight')?.type).toBe('Q4_0');
    expect(model.tensors.get('blk.0.ffn_down_exps.weight')?.type).toBe('Q5_1');
    expect(model.tensors.get('blk.1.ffn_down_exps.weight')?.type).toBe('IQ4_NL');
    expect(model.tensors.get('blk.1.ffn_gate_inp.weight')?.type).toBe('BF16');
  });

  it('take theta, eps and tied embeddings from the recipe', async () => {
    const model = await open({ theta: 5000, eps: 1e-5, tied: true });
    expect(model.tensors.has('output.weight')).toBe(false);
    expect(readHParams(model)).toMatchObject({ ropeTheta: 5000, rmsEps: Math.fround(1e-5), tiedEmbeddings: true });
  });

  it('are the same bytes for the same recipe, and others for another seed', () => {
    expect(Buffer.compare(makeModel({ seed: 4 }), makeModel({ seed: 4 }))).toBe(0);
    expect(Buffer.compare(makeModel({ seed: 4 }), makeModel({ seed: 5 }))).not.toBe(0);
  });
});

describe('generated vocabularies', () => {
  it.each([7, 256, 259, 270, 288, 1000])('of %d tokens have exactly that many, all different', async (nVocab) => {
    const model = await open({ shape: { nVocab } });
    const tokens = model.metadata.get('tokenizer.ggml.tokens');
    if (!Array.isArray(tokens)) throw new Error('no tokens');
    expect(new Set<unknown>(tokens).size).toBe(nVocab);
    expect(model.metadata.get('tokenizer.ggml.token_type')).toHaveLength(nVocab);
  });
});
