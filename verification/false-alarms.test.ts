import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { GOLDEN_MODELS, goldenModelPath } from '../tests/support/golden';
import { BOTH, testSession } from '../tests/support/session';
import { LENGTHS, seededTokens } from './prompts';

interface Line {
  readonly model: string;
  readonly tokens: number;
  readonly ratio: number;
  readonly statistical: number;
  readonly freeMs: number;
  readonly bothMs: number;
}

const lines: Line[] = [];

/** Every stage, layer and position of every model, fed with the reference's inputs: no honest kernel may exceed its bound. */
describe('no false alarm', () => {
  for (const model of [...GOLDEN_MODELS, 'tiny-moe-6x16']) {
    for (const length of LENGTHS) {
      it(`${model}, ${length} tokens`, { timeout: 300_000 }, async () => {
        const session = await testSession(goldenModelPath(model));
        const tokens = seededTokens(length, session.hparams.nVocab);
        const timed = async (mode: 'free' | 'both') => {
          const started = performance.now();
          const report = await session.run({ ...BOTH, tokens, mode }, { onEvent: () => undefined });
          return { report, ms: performance.now() - started };
        };
        // The weights are on the GPU after the first of them.
        await timed('free');
        const free = await timed('free');
        const { report, ms } = await timed('both');
        await session.dispose();
        const largest = (of: 'maxRatio' | 'maxEstimate'): number =>
          report.rows.reduce((x, row) => Math.max(x, row[of] ?? 0), 0);
        lines.push({
          model,
          tokens: length,
          ratio: largest('maxRatio'),
          statistical: largest('maxEstimate'),
          freeMs: free.ms,
          bothMs: ms,
        });
        expect(report.verdict.status, report.verdict.sentence).toBe('match');
        const isolated = report.rows.filter((row) => row.mode === 'isolated' && row.count > 0);
        expect(isolated.length).toBe(3 + 22 * session.hparams.nLayer);
        expect(isolated.every((row) => row.verdict === 'match' && (row.maxRatio ?? 0) <= 1)).toBe(true);
      });
    }
  }
});

afterAll(() => {
  const body = lines.map(
    (l) =>
      `| ${l.model} | ${l.tokens} | ${l.ratio.toFixed(2)} | ${l.statistical.toFixed(2)} | ${(l.freeMs / 1000).toFixed(2)} | ${(l.bothMs / 1000).toFixed(2)} | ${(l.bothMs / l.freeMs).toFixed(1)} |`,
  );
  const head =
    '| model | tokens | error / bound | statistical | free, s | both, s | both / free |\n|---|---|---|---|---|---|---|';
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/false-alarms.md', `${head}\n${body.join('\n')}\n`);
});
