import { expect, test } from 'vitest';
import { plainText } from '../../src/base/foreign-text';
import { compareRates, comparisonText, ratesFromJson } from '../../src/cli/bench/bench-compare';

const CARD = { vendor: 'nvidia', architecture: 'hopper', device: '', description: 'H200' };

/** A benchmark of runs of so many milliseconds. */
function bench(
  prompt: readonly number[],
  token: readonly number[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const mean = (runs: readonly number[]): number => runs.reduce((a, b) => a + b, 0) / runs.length;
  return JSON.stringify({
    schema: 'moescope-bench/1',
    model: { file: 'm.gguf', bytes: 10 },
    engine: 'gpu',
    adapter: CARD,
    prefill: { tokens: 100, runs: prompt, tokensPerSecond: 1e5 / mean(prompt) },
    decode: { tokens: 4, runs: token, tokensPerSecond: 1e3 / mean(token) },
    ...more,
  });
}
const read = (json: string): ReturnType<typeof ratesFromJson> => ratesFromJson(json, 'bench.json');
const BEFORE = read(bench([50, 51, 52], [10, 10, 11, 11]));

test.each<readonly [string, string, boolean, RegExp]>([
  ['the same', bench([50, 51, 52], [10, 10, 11, 11]), false, /^AS FAST[^]*prompt[^]*: same\n[^]*decoding[^]*: same/],
  [
    'slower tokens',
    bench([50, 51, 52], [14, 14, 15, 15]),
    true,
    /^SLOWER[^]*prompt[^]*: same\n[^]*decoding[^]*-2\d\.\d %: slower/,
  ],
  ['a machine that was busy for a moment', bench([50, 51, 52], [10, 10, 11, 40]), false, /decoding[^]*within noise/],
  ['faster', bench([30, 30, 30], [5, 5, 5, 5]), false, /prompt[^]*: faster/],
  ['within the limit', bench([54, 54, 55], [10, 10, 11, 11]), false, /prompt[^]*: same/],
  [
    'of a later schema',
    bench([50, 51, 52], [10, 10, 11, 11], { schema: 'moescope-bench/2', readBandwidth: 1 }),
    false,
    /^AS FAST/,
  ],
  [
    'nothing measured',
    bench([50, 51, 52], [], { decode: { tokens: 4, runs: [], tokensPerSecond: 0 } }),
    true,
    /^SLOWER/,
  ],
])('%s', (_, json, isSlower, text) => {
  const comparison = compareRates(BEFORE, read(json), 10);
  expect(comparison.isSlower).toBe(isSlower);
  expect(plainText(comparisonText(comparison, 'bench.json'))).toMatch(text);
});

test.each([
  ['model', { model: { file: 'other.gguf', bytes: 10 } }],
  ['engine', { engine: 'cpu' }],
  ['adapter', { adapter: { ...CARD, architecture: 'ampere' } }],
  ['adapter', { adapter: undefined }],
  ['new tokens', { decode: { tokens: 5, runs: [10], tokensPerSecond: 100 } }],
])('benchmarks of another %s are not compared', (what, more) => {
  const compare = (): unknown => compareRates(BEFORE, read(bench([50, 51, 52], [10, 10, 11, 11], more)), 10);
  expect(compare).toThrow(`of another ${what}`);
});

test.each([
  ['{', 'it is not JSON'],
  ['null', 'no such schema'],
  ['[]', 'no such schema'],
  ['{"schema":"moescope-report/2"}', 'no such schema'],
  ['{"schema":"moescope-bench/1"}', 'an object'],
  [bench([50], [10], { prefill: { tokens: 0, runs: [], tokensPerSecond: 1 } }), 'whole number'],
  [bench([50], [10], { decode: { tokens: 1, runs: [null], tokensPerSecond: 1 } }), 'a number'],
])('%j is no benchmark', (json, why) => {
  expect(() => read(json)).toThrow(why);
});
