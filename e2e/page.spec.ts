import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test, traceModel } from 'moescope/playwright';
import { reportFromJson } from '../src/divergence/report-json';
import { SAMPLE_PATH } from '../tests/support/golden';
import { dropFiles, pageState, watchConsole } from './support/page';

const SAMPLE_NAME = 'tiny-moe-6x16-Q4_K_M.gguf';
const verdict = (page: Page) => page.getByTestId('verdict');
const runButton = (page: Page) => page.getByRole('button', { name: 'Run', exact: true });

watchConsole(test);

test('a recorded trace is alive on the page before any file', async ({ page }) => {
  await page.goto('/');
  await expect(verdict(page)).toHaveText(/^(MATCH|DIVERGED|POISONED): /);
  expect(await pageState(page, 'idle')).toBe('idle');
  await expect(page.getByText('Recorded trace of the sample model')).toBeVisible();
  const router = page.getByRole('figure', { name: /^MoeRouter\b/ });
  const out = page.getByRole('figure', { name: /^MoeFfnOut\b/ });
  const [above, below] = [await router.boundingBox(), await out.boundingBox()];
  expect(above?.y).toBeLessThan(below?.y ?? 0);
  expect(await router.locator('circle, path').count()).toBeGreaterThan(3);
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).not.toBeEmpty();
  await expect(page.getByRole('textbox', { name: 'Token ids' })).not.toBeEmpty();
});

test('the sample runs in one click, and page, hook and JSON say the same', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Run the sample live' }).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  const json: unknown = await page.evaluate(() => window.moescope.report());
  const report = reportFromJson(JSON.stringify(json));
  await expect(verdict(page)).toHaveText(report.verdict.sentence);
  expect(report.runtime).toBe('browser');
  expect(report.adapter?.isSoftware).toBe(true);
  expect(report.run.layers).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(report.rows.map((r) => r.mode))).toEqual(new Set(['free', 'isolated']));
  await expect(page.getByRole('contentinfo')).toContainText('(software)');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('j')]);
  expect(download.suggestedFilename()).toBe('tiny-moe-6x16-Q4_K_M.moescope.json');
  expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toEqual(json);
});

test('a file shows its card before anything runs', async ({ page }) => {
  await page.goto('/');
  await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  const card = page.locator('#trace');
  for (const text of ['qwen3moe', '16, 4 a token', 'Q4_K_M', '4,096', 'Q6_K', 'What a run will cost']) {
    await expect(card).toContainText(text);
  }
});

test('token ids and options reach the run', async ({ page }) => {
  const tokens = [420, 327, 220];
  const stages = ['moe_router', 'moe_ffn_out'];
  const report = await traceModel(page, { file: SAMPLE_PATH, tokens, stages, layers: '1..3' });
  expect(report).toMatchReference();
  expect(report.run).toMatchObject({ tokens, layers: [1, 2], stages, mode: 'both' });
  await expect(page.getByRole('list', { name: 'Tokens', exact: true })).toContainText('420');
});

test("the prompt becomes tokens with the file's own tokenizer", async ({ page }) => {
  await page.goto(`/?model=sample/${SAMPLE_NAME}`);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('What is 2+2?');
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveValue('420, 327, 220, 17, 10, 17, 30');
  await expect(page.getByRole('list', { name: 'Tokens', exact: true }).getByRole('listitem')).toHaveCount(7);
  await page.getByRole('checkbox', { name: 'Chat template' }).check();
  await expect(page.getByRole('list', { name: 'Tokens', exact: true })).toContainText('<|im_start|>');
});

test('a wrong file says what is wrong and what would be right, and the page works on', async ({ page }) => {
  await page.goto('/');
  await expect(verdict(page)).toBeVisible();
  await dropFiles(
    page,
    [{ name: 'cat.jpg', bytes: Buffer.from('this is a picture of a cat, and not a model at all') }],
    'figure',
  );
  expect(await pageState(page, 'error')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('gguf-not-gguf');
  await expect(page.getByRole('alert')).toContainText('cat.jpg');
  await expect(page.getByRole('alert')).toContainText(/GGUF/);
  const rejected = await page.evaluate(() => window.moescope.report().catch((e: { code: string }) => e.code));
  expect(rejected).toBe('gguf-not-gguf');
  await dropFiles(page, [{ name: SAMPLE_NAME, bytes: readFileSync(SAMPLE_PATH) }], 'figure');
  expect(await pageState(page, 'ready')).toBe('ready');
  await expect(page.getByTestId('error-code')).toHaveCount(0);
});

test('a run is cancelled within half a second and can be started again', { tag: '@alone' }, async ({ page }) => {
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(24));
  await runButton(page).click();
  await pageState(page, 'running');
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(page.getByText(/^Tracing layer/)).toBeVisible({ timeout: 60_000 });
  const took = await page.evaluate(async () => {
    const started = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    while (document.documentElement.dataset['state'] === 'running') await new Promise((r) => setTimeout(r, 5));
    return performance.now() - started;
  });
  expect(await pageState(page, 'cancelled', 'error', 'done')).toBe('cancelled');
  expect(took).toBeLessThan(500);
  await page.getByRole('textbox', { name: 'Token ids' }).fill('420');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
});

test('a file can be dropped on a running trace', async ({ page }) => {
  await page.goto('/');
  await runButton(page).click();
  await expect(page.getByText(/^Tracing layer/)).toBeVisible({ timeout: 60_000 });
  await dropFiles(page, [{ name: 'other.gguf', bytes: readFileSync(SAMPLE_PATH) }], 'figure');
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await expect(page.getByRole('banner')).toContainText('other.gguf');
  expect(await page.evaluate(() => document.documentElement.dataset['state'])).toBe('ready');
});
