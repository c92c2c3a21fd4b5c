import { expect, test, type Page } from '@playwright/test';
import { reportFromJson } from '../src/divergence/report-json';
import { pageState, runButton, tracing } from './support/page';

/** Ways in which the engine's worker can end, in the worker itself. */
const ENDS = {
  'is ended without a word': () => {
    self.close();
  },
  'throws where nobody catches': () => {
    setTimeout(() => {
      throw new Error('a defect');
    });
  },
} as const;

async function run(page: Page): Promise<void> {
  await runButton(page).click();
}

for (const [how, end] of Object.entries(ENDS)) {
  test(`a worker that ${how} in mid-run is told of, and the next run is as good as any`, async ({ page }) => {
    await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
    expect(await pageState(page, 'ready')).toBe('ready');
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(16));
    await run(page);
    await expect(tracing(page, '[2-6]')).toBeVisible({ timeout: 60_000 });
    const engine = page.workers().find((worker) => worker.url().includes('engine-worker'));
    await engine?.evaluate(end);
    expect(await pageState(page, 'error', 'done')).toBe('error');
    await expect(page.getByRole('alert')).toContainText("The engine's worker");
    await expect(page.getByRole('alert')).toContainText('Run it again');

    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon');
    await run(page);
    expect(await pageState(page, 'done')).toBe('done');
    const report = reportFromJson(JSON.stringify(await page.evaluate(() => window.moescope.report())));
    expect(report.verdict.status).toBe('match');
    expect(report.rows.length).toBeGreaterThan(200);
  });
}
