import { describe, expect, it } from 'vitest';
import { modesOf, modeWords, parseRunMode, RUN_MODES, runModeOf } from '../../src/divergence/run-mode';

describe('what a run compares', () => {
  it.each([
    ['local', 'local'],
    ['free,local', 'local,free'],
    ['both', 'both'],
    ['isolated, free', 'both'],
    ['both,local', 'local,isolated,free'],
    ['local,local', 'local'],
    ['', undefined],
    ['all', undefined],
    ['local,', undefined],
  ])('is written in words of any order: %j', (text, mode) => {
    expect(parseRunMode(text)).toBe(mode);
  });

  it('is the same by its name and by its parts', () => {
    for (const mode of RUN_MODES) expect(runModeOf(modesOf(mode))).toBe(mode);
    expect(runModeOf([])).toBeUndefined();
    expect(modeWords('local,isolated,free')).toBe('free-running, isolated and local');
    expect(modeWords('local')).toBe('local');
  });
});
