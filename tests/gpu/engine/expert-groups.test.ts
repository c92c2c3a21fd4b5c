import { expect, it } from 'vitest';
import { mostEntries } from '../../../src/gpu/engine/expert-groups';

it('a list of grouped slots has room for the longest', () => {
  // One row more than a whole number of tiles for every expert.
  expect(mostEntries(10 * 9, 10, 8)).toBe(20);
  expect(mostEntries(3, 128, 8)).toBe(3);
  expect(mostEntries(4096, 1, 32)).toBe(128);
});
