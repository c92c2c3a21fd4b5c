import { describe, expect, it } from 'vitest';
import { allPartNames, splitName } from '../../src/gguf/split-names';

describe('allPartNames', () => {
  it.each([
    ['m-00002-of-00003.gguf', ['m-00001-of-00003.gguf', 'm-00002-of-00003.gguf', 'm-00003-of-00003.gguf']],
    ['/a b/m-00001-of-00002.gguf', ['/a b/m-00001-of-00002.gguf', '/a b/m-00002-of-00002.gguf']],
    [
      'https://host/m-00001-of-00002.gguf?download=true',
      ['https://host/m-00001-of-00002.gguf?download=true', 'https://host/m-00002-of-00002.gguf?download=true'],
    ],
    ['m-00001-of-00001.gguf', ['m-00001-of-00001.gguf']],
    ['model.gguf', ['model.gguf']],
    ['m-1-of-2.gguf', ['m-1-of-2.gguf']],
    ['m-00003-of-00002.gguf', ['m-00003-of-00002.gguf']],
    ['m-00000-of-00002.gguf', ['m-00000-of-00002.gguf']],
  ])('%s', (name, expected) => {
    expect(allPartNames(name)).toEqual(expected);
  });
});

it('splitName reads base, part and count', () => {
  expect(splitName('Qwen3-30B-A3B-Q4_K_M-00002-of-00012.gguf')).toEqual({
    base: 'Qwen3-30B-A3B-Q4_K_M',
    part: 1,
    count: 12,
    rest: '',
  });
});
