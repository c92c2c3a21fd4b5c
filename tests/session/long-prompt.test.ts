import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

/** `npm run verify` runs every model and layer at 300 tokens, in the browser too. An isolated layer knows nothing of the ones before it: two do. */
const MODELS = ['mini-iq4_xs', 'deep-q8_0', 'tied-q4_k_m'];
const LAYERS = 2;
/** One more than the lanes of the largest workgroup, and a prime: no tile or lane group comes out even. */
const LENGTH = 257;

describe(`a prompt of ${LENGTH} tokens`, () => {
  it.each(MODELS)('raises no false alarm at any stage: %s', { timeout: 180_000 }, async (model) => {
    const session = await testSession(goldenModelPath(model));
    const random = seededRandom(LENGTH);
    const tokens = Array.from({ length: LENGTH }, () => random.below(session.hparams.nVocab));
    const spec = { ...BOTH, tokens, mode: 'isolated', layers: `0..${LAYERS}` } as const;
    const report = await session.run(spec, { ...recorder(), onCapture: () => undefined });
    await session.dispose();
    expect(report.verdict.status, report.verdict.sentence).toBe('match');
    const judged = report.rows.filter((row) => row.count > 0);
    expect(judged.length).toBe(3 + 24 * LAYERS);
    for (const row of judged) {
      expect(row.verdict, `${row.stage} ${String(row.layer)}`).toBe('match');
      expect(row.maxRatio ?? 0, `${row.stage} ${String(row.layer)}`).toBeLessThanOrEqual(1);
    }
  });
});
