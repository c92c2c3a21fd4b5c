import { expect, test } from 'vitest';
import { readRunRequest } from '../../src/session/run-request';

test('a whole request is taken as it is', () => {
  const request = {
    tokens: [0, 5],
    engines: ['cpu'],
    mode: 'free',
    stages: 'all',
    layers: '0..2',
    positions: 'last',
    gpuBudget: 1,
    cosineLimit: 0.9,
    inject: ['nan@layer=1'],
    routing: 'reference',
  };
  expect(readRunRequest(request)).toEqual(request);
});

test('engines have an older name', () => {
  expect(readRunRequest({ prompt: 'a', arms: ['gpu', 'cpu'] })).toEqual({ prompt: 'a', engines: ['gpu', 'cpu'] });
});

test('parts that are undefined count as left out', () => {
  expect(readRunRequest({ prompt: 'a', tokens: undefined, layers: undefined })).toEqual({ prompt: 'a' });
});

test.each([
  ['an unknown part', { prompt: 'a', temperature: 1 }, 'temperature'],
  ['a name of every object', { prompt: 'a', constructor: 1 }, 'constructor'],
  ['tokens as text', { tokens: '1,2' }, 'tokens'],
  ['no tokens', { tokens: [] }, 'tokens'],
  ['a negative token', { tokens: [-1] }, 'tokens'],
  ['an unknown engine', { prompt: 'a', engines: ['tpu'] }, 'engines'],
  ['an engine twice', { prompt: 'a', engines: ['cpu', 'cpu'] }, 'engines'],
  ['an unknown mode', { prompt: 'a', mode: 'slow' }, 'mode'],
  ['layers as numbers', { prompt: 'a', layers: [1] }, 'layers'],
  ['a cosine above 1', { prompt: 'a', cosineLimit: 2 }, 'cosineLimit'],
  ['faults that are no list', { prompt: 'a', inject: 'nan@layer=1' }, 'inject'],
  ['neither prompt nor tokens', { chat: true }, 'prompt or tokens'],
  ['both', { prompt: 'a', tokens: [1] }, 'not both'],
])('%s is refused', (_, request, words) => {
  expect(() => readRunRequest(request)).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(() => readRunRequest(request)).toThrow(words);
});
