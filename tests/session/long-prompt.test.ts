import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

/** `npm run verify` runs every model, in the browser too. */
const MODELS = ['mini-iq4_xs', 'deep-q8_0', 'tied-q4_k_m'];
const LENGTH = 300;

describe('a prompt of 300 tokens', () => {
  it.each(MODELS)('raises no false alarm at any stage: %s', { timeout: 180_000 }, async (model) => {
    const session = await testSession(goldenModelPath(model));
    const random = seededRandom(LENGTH);
    const tokens = Array.from({ length: LENGTH }, () => random.below(session.hparams.nVocab));
    const report = await session.run({ ...BOTH, tokens, mode: 'isolated' }, { ...recorder(), onTap: () => undefined });
    await session.dispose();
    expect(report.verdict.status, report.verdict.sentence).toBe('match');
    const judged = report.rows.filter((row) => row.count > 0);
    expect(judged.length).toBe(3 + 22 * session.hparams.nLayer);
    for (const row of judged) {
      expect(row.verdict, `${row.stage} ${String(row.layer)}`).toBe('match');
      expect(row.maxRatio ?? 0, `${row.stage} ${String(row.layer)}`).toBeLessThanOrEqual(1);
    }
  });
});
