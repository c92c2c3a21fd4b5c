import { describe, expect, it } from 'vitest';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { isQuantType } from '../../src/gguf/ggml-types';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { GOLDEN_MODELS, goldenModelPath, goldenPrompts, loadGolden } from '../support/golden';

/*
 * The golden `embd` is token_embd's rows as the reference Python dequantiser gives them: bit-exact truth for the type that token_embd has.
 * Other types are covered by tests/types/blocks.test.ts, and MXFP4, whose model keeps token_embd in Q8_0, by dequant.test.ts.
 */
describe('dequantised token embeddings equal the golden bits', () => {
  const seen = new Set<string>();

  it.each(GOLDEN_MODELS)('%s', async (name) => {
    const model = await openModel([await nodeSource(goldenModelPath(name))]);
    const tensor = model.tensors.get('token_embd.weight');
    if (tensor === undefined || !isQuantType(tensor.type)) throw new Error('no token_embd.weight that runs');
    seen.add(tensor.type);
    const nEmbd = tensor.dims[0] ?? 0;
    const rowBytes = tensor.bytes / (tensor.dims[1] ?? 0);
    for (const prompt of goldenPrompts(name)) {
      const golden = loadGolden(name, prompt);
      const embd = golden.stage('embedding', undefined);
      if (embd === undefined && prompt.startsWith('p300')) continue;
      if (embd === undefined || !(embd.data instanceof Float32Array)) throw new Error(`no embd in ${prompt}`);
      for (const [row, position] of golden.positions.entries()) {
        const bytes = await model.readTensor(tensor, (golden.tokens[position] ?? NaN) * rowBytes, rowBytes);
        const out = new Float32Array(nEmbd);
        dequantizeRows(tensor.type, bytes, 0, out, 0, nEmbd);
        const expected = embd.data.subarray(row * nEmbd, (row + 1) * nEmbd);
        expect(new Uint32Array(out.buffer)).toEqual(new Uint32Array(expected.slice().buffer));
      }
    }
    await model.close();
  });

  it('covers nineteen types', () => {
    expect(seen.size).toBe(19);
  });
});
