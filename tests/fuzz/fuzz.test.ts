import { describe, expect, it } from 'vitest';
// First: it counts buffers, and must be there before others keep a constructor.
import '../../verification/fuzz/meter';
import { runCases } from '../../verification/fuzz/run-cases';
import { TARGETS } from '../../verification/fuzz/targets';

/** `npm run fuzz` goes on where this ends: the same cases, all of them. */
const SEED = 1;
const SHARE = 1 / 500;
const LEAST = 400;

describe('what a stranger wrote is read or refused, soon and without more memory than it accounts for', () => {
  it.each(TARGETS.map(({ target, cases }) => [target.name, target, Math.max(LEAST, cases * SHARE)] as const))(
    '%s',
    async (_, target, cases) => {
      const tally = await runCases(target, SEED, 0, cases);
      expect(tally.failures.slice(0, 5)).toEqual([]);
      expect(tally.cases).toBe(cases);
      // Neither outcome is rare: the cases are neither harmless nor hopeless.
      expect(tally.read).toBeGreaterThan(cases / 100);
      const refused = Object.values(tally.refused).reduce((a, b) => a + b, 0);
      if (target.codes.length > 0) expect(refused).toBeGreaterThan(cases / 10);
    },
  );
});
