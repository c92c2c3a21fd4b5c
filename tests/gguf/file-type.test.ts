import { describe, expect, it } from 'vitest';
import { fileTypeName, tensorSummary } from '../../src/gguf/file-type';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes } from '../../src/gguf/writer';
import { goldenModelPath } from '../support/golden';

function modelWith(fileType: number | undefined): Promise<ModelFile> {
  const bytes = ggufBytes({
    metadata: fileType === undefined ? [] : [['general.file_type', { type: 'uint32', value: fileType }]],
    tensors: [
      { name: 'many', dims: [1], type: 'F32' },
      { name: 'small', dims: [1], type: 'F32' },
      { name: 'large', dims: [256, 4], type: 'Q5_K' },
    ],
  });
  return openModel([memorySource(bytes)]);
}

describe('fileTypeName', () => {
  it.each([
    ['mini-q4_k_m', 'Q4_K_M'],
    ['mini-q2_k', 'Q2_K'],
    ['mini-mxfp4', 'MXFP4_MOE'],
    ['mini-iq4_xs', 'IQ4_XS'],
    ['mini-f32', 'F32'],
    ['deep-q8_0', 'Q8_0'],
  ])('%s is %s', async (name, expected) => {
    const model = await openModel([await nodeSource(goldenModelPath(name))]);
    expect(fileTypeName(model)).toBe(expected);
    await model.close();
  });

  it('reads a guessed type, and falls back to the type with the most bytes', async () => {
    expect(fileTypeName(await modelWith(1024 + 17))).toBe('Q5_K_M');
    expect(fileTypeName(await modelWith(undefined))).toBe('Q5_K');
    expect(fileTypeName(await modelWith(999))).toBe('Q5_K');
    expect(fileTypeName(await openModel([memorySource(ggufBytes({ metadata: [], tensors: [] }))]))).toBe('unknown');
  });
});

it('tensorSummary counts by type, largest first, and names the type of each tensor', async () => {
  const summary = tensorSummary(await modelWith(undefined));
  expect(summary).toEqual({
    count: 3,
    byType: { Q5_K: { count: 1, bytes: 704 }, F32: { count: 2, bytes: 8 } },
    types: { many: 'F32', small: 'F32', large: 'Q5_K' },
  });
  expect(Object.keys(summary.byType)).toEqual(['Q5_K', 'F32']);
});
