import { describe, expect, it } from 'vitest';
import { decodedMs, median, withSpread } from '../../scripts/lib/bench-times.mjs';

describe('decodedMs', () => {
  const decoder = { by: 'decoder' };

  it('finds the same time in both schemas of the same tokens', () => {
    // A run of 128 tokens, 3 ms each, behind four that fill the queue: the first waits for all of them, the others come at once.
    const run = [12, 0.1, 0.1, 0.1, ...Array.from({ length: 124 }, () => 3)];
    expect(decodedMs({ schema: 'moescope-bench/1', decode: { runs: [...run, ...run], by: decoder } })).toBe(3);
    expect(decodedMs({ schema: 'moescope-bench/2', decode: { runs: run.slice(4), by: decoder } })).toBe(3);
  });

  it('takes the mean of tokens that overlap: in bursts the middle one would be none of them', () => {
    const bursts = Array.from({ length: 100 }, (_, i) => (i % 4 === 0 ? 11.7 : 0.1));
    expect(decodedMs({ schema: 'moescope-bench/2', decode: { runs: bursts, by: decoder } })).toBeCloseTo(3);
  });

  it('takes the middle of tokens that wait for each other, with or without a word of who made them', () => {
    const runs = [5, 5, 90];
    for (const schema of ['moescope-bench/1', 'moescope-bench/2']) {
      expect(decodedMs({ schema, decode: { runs } })).toBe(5);
      expect(decodedMs({ schema, decode: { runs, by: { by: 'engine' } } })).toBe(5);
    }
  });
});

it('says the middle value with its spread', () => {
  expect(median([])).toBeNaN();
  expect(median([1, 2, 3, 10])).toBe(2.5);
  expect(withSpread([3, 1, 2])).toBe('2.0 (1.0 to 3.0)');
});
