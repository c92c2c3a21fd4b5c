import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMetric,
  formatMilliseconds,
  joinWords,
  plural,
  shortHash,
  visibleToken,
} from '../../src/base/format';

describe('format', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1.00 kB'],
    [212_000, '212 kB'],
    [13_998_400, '14.0 MB'],
    [999_600_000, '1.00 GB'],
    [18_556_686_912, '18.6 GB'],
    [3e15, '3000 TB'],
  ])('bytes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [undefined, '–'],
    [0, '0'],
    [NaN, 'NaN'],
    [Infinity, 'Inf'],
    [-Infinity, '-Inf'],
    [0.2134, '0.21'],
    [0.0314, '0.031'],
    [0.00994, '9.9e-3'],
    [1, '1.00'],
    [12.3, '12'],
    [1234, '1234'],
    [31_000, '3.1e4'],
    [-31_000, '-3.1e4'],
    [1.4e-7, '1.4e-7'],
  ])('metric %d as %s', (value, text) => {
    expect(formatMetric(value)).toBe(text);
  });

  it.each([
    [0.84, '0.8 s'],
    [59.6, '1 min'],
    [14, '14 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
    [Infinity, '–'],
  ])('duration %d as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('milliseconds, counts, plurals and lists', () => {
    expect([0.42, 38.2, 999.7, 12_000].map(formatMilliseconds)).toEqual(['0.4 ms', '38 ms', '1.0 s', '12 s']);
    expect(formatCount(151_936)).toBe('151,936');
    expect([plural(1, 'stage'), plural(1024, 'stage'), plural(2, 'entry', 'entries')]).toEqual([
      '1 stage',
      '1,024 stages',
      '2 entries',
    ]);
    expect([joinWords([]), joinWords(['a']), joinWords(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c']);
  });

  it('makes blanks in tokens visible and hashes short', () => {
    expect([' a b', '\n', '\t', ''].map(visibleToken)).toEqual(['·a·b', '↵', '⇥', '∅']);
    expect(shortHash('7f3a9d2be06c41d58a17')).toBe('7f3a9d…d58a17');
    expect(shortHash('abc')).toBe('abc');
  });
});
