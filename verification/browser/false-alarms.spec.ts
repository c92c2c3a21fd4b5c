import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { startHarness, type HarnessPage, type HarnessServer } from '../../e2e/harness/server';
import { GOLDEN_MODELS } from '../../tests/support/golden';
import { LENGTHS, seededTokens } from '../prompts';

const lines: string[] = [];
let server: HarnessServer;
let harness: HarnessPage;
test.beforeAll(async ({ browser }) => {
  server = await startHarness();
  harness = await server.load(await browser.newPage());
});
test.afterAll(async () => {
  await server.close();
  const head = '| model | tokens | error / bound |\n|---|---|---|';
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/false-alarms-browser.md', `${head}\n${lines.join('\n')}\n`);
});

/** Vocabulary of the smallest golden model: ids below it are in all of them. */
const VOCABULARY = 512;

for (const model of [...GOLDEN_MODELS, 'tiny-moe-6x16']) {
  test(`${model}: ${LENGTHS.join(', ')} tokens`, async () => {
    await harness.open(model);
    for (const length of LENGTHS) {
      const run = await harness.trace({
        tokens: seededTokens(length, VOCABULARY),
        engines: ['gpu', 'cpu'],
        mode: 'isolated',
        stages: 'all',
        layers: 'all',
        positions: 'all',
      });
      lines.push(`| ${model} | ${length} | ${run.worst.toFixed(2)} |`);
      expect(run.status, run.sentence).toBe('match');
      expect(run.isolated).toBeGreaterThan(40);
      expect(run.worst).toBeLessThanOrEqual(1);
    }
  });
}
