import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test, traceModel } from 'moescope/playwright';
import { reportFromJson } from '../src/divergence/report-json';
import { SAMPLE_PATH } from '../tests/support/golden';
import { dropFiles, healthy, openOptions, pageState, runButton, tracing, typeIds, watchConsole } from './support/page';

const SAMPLE_NAME = 'tiny-moe-6x16-Q4_K_M.gguf';
const verdict = (page: Page) => page.getByTestId('verdict');
const heading = (page: Page) => page.getByRole('heading', { level: 1 });
const inspector = (page: Page) => page.getByTestId('inspector');

watchConsole(test);

test('the first visit tells its stories above the fold: culprit, cause, map, strips, inspector', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/');
  expect(await pageState(page, 'idle')).toBe('idle');
  await expect(page.getByText('finds the first wrong tensor in a mixture-of-experts forward pass')).toBeVisible();
  await expect(heading(page)).toHaveText(/^NaN at layer 2: a Q6_K weight is read as Q4_K/);
  for (const name of [/^Stages by layers/, /^MoeExpertOut/, /^MoeRouter/, /^MoeFfnOut/]) {
    const box = await page.getByRole('figure', { name }).boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0), String(name)).toBeLessThanOrEqual(890);
  }
  await expect(inspector(page).getByRole('heading', { name: 'Layer 2 · MoeExpertOut token 0' })).toBeVisible();
  await expect(inspector(page)).toContainText('The values are those of the tensor read as Q4_K');
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('The cat sat on the mat.');
  // What is shown is what Run repeats.
  await expect(page.getByRole('button', { name: /^defect on purpose qtype-blind at layer 2/ })).toBeVisible();
  await page.getByRole('button', { name: /^One bit flipped/ }).click();
  await expect(heading(page)).toHaveText('Diverged at layer 2: one row of one expert’s weights is wrong.');
  await expect(page.getByText('An end-to-end test would miss it.')).toBeVisible();
  await page.getByRole('button', { name: /^Healthy/ }).click();
  await expect(heading(page)).toHaveText(/^Match: all \d+ stages of 6 layers stay inside their bounds\.$/);
  await expect(page.getByRole('button', { name: /^defect on purpose none/ })).toBeVisible();
});

test('the sample runs in one press: page, hook and JSON say the same; values, experts, continuation', async ({
  page,
}) => {
  test.setTimeout(180_000);
  await healthy(page);
  await expect(page.getByTestId('estimate')).toContainText(/about .* s/);
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  const json: unknown = await page.evaluate(() => window.moescope.report());
  const report = reportFromJson(JSON.stringify(json));
  await expect(verdict(page)).toHaveText(report.verdict.sentence);
  // In sight after Run, and in a few words once one has gone on.
  await expect(heading(page)).toBeInViewport();
  await page.getByRole('contentinfo').scrollIntoViewIfNeeded();
  await expect(page.getByText('Match: nothing is wrong')).toBeInViewport();
  await heading(page).scrollIntoViewIfNeeded();
  expect(report.runtime).toBe('browser');
  expect(report.run.layers).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(report.rows.map((r) => r.mode))).toEqual(new Set(['free', 'local']));
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('j')]);
  expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toEqual(json);
  // Single values of both sides, at any cell.
  await inspector(page).getByText('Go to another cell').click();
  await inspector(page).getByRole('combobox', { name: 'Stage' }).selectOption('moe_expert_out');
  await inspector(page).getByRole('combobox', { name: 'Token' }).selectOption({ index: 3 });
  await inspector(page).getByText('worst values of token').click();
  const worst = page.getByRole('region', { name: 'Worst values' });
  await expect(worst.getByRole('columnheader', { name: 'error ÷ bound' })).toBeVisible();
  await expect(worst.getByRole('row')).toHaveCount(9);
  await expect(worst).toContainText(/\(expert \d+\)/);
  await expect(inspector(page)).toContainText('Every tensor of this run is at hand');
  await page.getByRole('button', { name: 'free-running', exact: true }).first().click();
  await expect(worst.getByRole('columnheader', { name: 'error ÷ bound' })).toHaveCount(0);
  // The text goes on, and each token can be traced.
  await page.keyboard.press('6');
  await page.keyboard.press('g');
  const said = page.getByTestId('continuation');
  await expect(said.locator('.said-token').nth(2)).toBeVisible({ timeout: 60_000 });
  await page.keyboard.press('Escape');
  await expect(said.locator('.cursor')).toHaveCount(0);
  await said.locator('.said-token').nth(1).click();
  await pageState(page, 'running');
  expect(await pageState(page, 'done', 'error')).toBe('done');
  const traced = reportFromJson(JSON.stringify(await page.evaluate(() => window.moescope.report())));
  expect(traced.run.positions).toEqual([traced.run.tokens.length - 1]);
});

test('a file shows its card before anything runs', async ({ page }) => {
  await page.goto('/');
  await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  for (const text of ['qwen3moe', '16, 4 a token', 'Q4_K_M', '4,096', 'Q6_K', 'What a run will cost']) {
    await expect(page.locator('main')).toContainText(text);
  }
  await expect(runButton(page)).toHaveText(/^Run tiny-moe/);
});

test('token ids and options reach the run', async ({ page }) => {
  const tokens = [420, 327, 220];
  const stages = ['moe_router', 'moe_ffn_out'];
  const report = await traceModel(page, { file: SAMPLE_PATH, tokens, stages, layers: '1..3' });
  expect(report).toMatchReference();
  expect(report.run).toMatchObject({ tokens, layers: [1, 2], stages, mode: 'local,free' });
  await openOptions(page);
  await expect(page.getByRole('list', { name: 'Tokens', exact: true })).toContainText('420');
});

test("the prompt becomes tokens with the file's own tokenizer, and what is wrong is said at its field", async ({
  page,
}) => {
  await page.goto(`/?model=sample/${SAMPLE_NAME}`);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('What is 2+2?');
  await openOptions(page);
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveValue('420, 327, 220, 17, 10, 17, 30');
  await expect(page.getByRole('list', { name: 'Tokens', exact: true }).getByRole('listitem')).toHaveCount(7);
  await page.getByRole('checkbox', { name: 'Chat template' }).check();
  await expect(page.getByRole('list', { name: 'Tokens', exact: true })).toContainText('<|im_start|>');
  await page.getByRole('textbox', { name: /^Layers/ }).fill('99');
  await expect(page.getByRole('alert')).toContainText('99');
  await expect(runButton(page)).toBeDisabled();
  await page.getByRole('textbox', { name: /^Layers/ }).fill('all');
  await expect(runButton(page)).toBeEnabled();
  const long = Array.from({ length: 9000 }, () => 1).join(',');
  await page.getByRole('textbox', { name: 'Token ids' }).fill(long);
  await expect(page.getByTestId('estimate')).toContainText('9,000 tokens do not fit');
  await expect(runButton(page)).toBeDisabled();
});

test('a wrong file says what is wrong and what would be right, and the page works on', async ({ page }) => {
  await page.goto('/');
  await expect(verdict(page)).toBeVisible();
  const cat = { name: 'cat.jpg', bytes: Buffer.from('this is a picture of a cat, and not a model at all') };
  await dropFiles(page, [cat], '.face');
  expect(await pageState(page, 'error')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('gguf-not-gguf');
  await expect(page.getByRole('alert')).toContainText('cat.jpg');
  const rejected = await page.evaluate(() => window.moescope.report().catch((e: { code: string }) => e.code));
  expect(rejected).toBe('gguf-not-gguf');
  await dropFiles(page, [{ name: SAMPLE_NAME, bytes: readFileSync(SAMPLE_PATH) }], '.face');
  expect(await pageState(page, 'ready')).toBe('ready');
  await expect(page.getByTestId('error-code')).toHaveCount(0);
});

test('a run is cancelled within half a second and can be started again', { tag: '@alone' }, async ({ page }) => {
  await healthy(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(24));
  await runButton(page).click();
  await pageState(page, 'running');
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(tracing(page)).toBeVisible({ timeout: 60_000 });
  const took = await page.evaluate(async () => {
    const started = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    while (document.documentElement.dataset['state'] === 'running') await new Promise((r) => setTimeout(r, 5));
    return performance.now() - started;
  });
  expect(await pageState(page, 'cancelled', 'error', 'done')).toBe('cancelled');
  expect(took).toBeLessThan(500);
  await typeIds(page, '420');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
});

test('the verdict is in sight after Run, on a phone and with the options open', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await healthy(page);
  await typeIds(page, '420, 327');
  await page.getByRole('textbox', { name: /^Decoded tokens/ }).scrollIntoViewIfNeeded();
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await expect(heading(page)).toHaveText(/^Match/);
  await expect(heading(page)).toBeInViewport();
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveCount(0);
});

test('a file can be dropped on a running trace', async ({ page }) => {
  await healthy(page);
  await runButton(page).click();
  await expect(tracing(page)).toBeVisible({ timeout: 60_000 });
  await dropFiles(page, [{ name: 'other.gguf', bytes: readFileSync(SAMPLE_PATH) }], 'main');
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await expect(page.getByRole('banner')).toContainText('other.gguf');
});
