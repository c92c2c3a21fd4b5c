import { expect, test, type Page } from '@playwright/test';
import { showTrace, watchConsole } from './support/page';

const area = (page: Page, name: RegExp) => page.getByRole('group', { name });
const done = (page: Page) =>
  page.waitForFunction(() => ['done', 'error'].includes(document.documentElement.dataset['state'] ?? ''), undefined, {
    timeout: 100_000,
  });

watchConsole(test);

test('a live run: verse, code and arithmetic go to different experts, single values show, the text goes on', async ({
  page,
}) => {
  test.setTimeout(180_000);
  await page.goto('/');
  // The recorded trace has that very prompt: nothing to offer until another is typed.
  const offer = page.getByRole('button', { name: 'Run verse, code and arithmetic' });
  await expect(page.getByTestId('parts')).toBeVisible();
  await expect(offer).toHaveCount(0);
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  const demo = await prompt.inputValue();
  await prompt.fill('Once upon a time.');
  await offer.click();
  await expect(prompt).toHaveValue(demo);
  await done(page);
  await expect(page.getByTestId('verdict')).toHaveText(/^MATCH: /);

  // Routing: three parts, each with experts of its own.
  const parts = page.getByTestId('parts');
  const shared = await parts.locator('.readout').textContent();
  const [between = 100, within = 0] = [...(shared ?? '').matchAll(/(\d+) %/g)].map((match) => Number(match[1]));
  expect(between).toBeLessThan(within);
  await expect(parts.locator('tbody tr')).toHaveCount(3);
  const telling = await parts.locator('tbody tr').first().locator('.tell').first().textContent();
  const [share = 0, elsewhere = 100] = [...(telling ?? '').matchAll(/(\d+(?:\.\d+)?) %/g)].map((m) => Number(m[1]));
  expect(share - elsewhere).toBeGreaterThan(30);
  await parts.locator('tbody tr').first().locator('.tell').first().click();
  const strip = page.getByTestId('token-strip');
  await expect(strip).toContainText('Inked: the tokens that chose expert');
  expect(await strip.locator('.inked').count()).toBeGreaterThan(5);

  // Drill-down: the values of both arms, against the bound.
  const inspector = page.getByTestId('inspector');
  await inspector.getByRole('combobox', { name: 'Stage' }).selectOption('moe_expert_out');
  await inspector.getByRole('combobox', { name: 'Token' }).selectOption({ index: 3 });
  const worst = page.getByRole('region', { name: 'Worst values' });
  await expect(worst.getByRole('columnheader', { name: 'error ÷ bound' })).toBeVisible();
  await expect(worst.getByRole('row')).toHaveCount(9);
  await expect(worst).toContainText(/\(expert \d+\)/);
  await expect(inspector).toContainText('Every tensor of this run is at hand');
  await inspector.getByText('free-running', { exact: true }).first().click();
  await expect(worst.getByRole('columnheader', { name: 'error ÷ bound' })).toHaveCount(0);

  // Generation: the text streams in, each token can be traced.
  await page.keyboard.press('g');
  const said = page.getByTestId('continuation');
  await expect(said.locator('.said-token').nth(2)).toBeVisible({ timeout: 60_000 });
  await page.keyboard.press('Escape');
  await expect(said.locator('.cursor')).toHaveCount(0);
  const heading = await page.getByTestId('verdict').textContent();
  await said.locator('.said-token').nth(1).click();
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'running');
  await done(page);
  const report = await page.evaluate(() => window.moescope.report());
  const { run } = report as { readonly run: { readonly positions: number[]; readonly tokens: number[] } };
  expect(run.positions).toEqual([run.tokens.length - 1]);
  expect(await page.getByTestId('verdict').textContent()).not.toBe(heading);
});

test('a recorded trace says that its tensors are not here, and shows what the report knows', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  const inspector = page.getByTestId('inspector');
  await expect(inspector.getByRole('heading', { name: 'Layer 2, MoeExpertOut, token 0' })).toBeVisible();
  await expect(page.getByTestId('tensor')).toContainText('its tensors are not');
  await expect(inspector.getByRole('figure', { name: /^Distribution of error ÷ bound/ })).toBeVisible();
  await inspector.getByRole('combobox', { name: 'Layer' }).selectOption('4');
  await expect(inspector.getByRole('heading', { name: /^Layer 4, MoeExpertOut/ })).toBeVisible();
});

test('poison shows where it begins, what led to it and what became of it', async ({ page }) => {
  await showTrace(page, { kind: 'poison' });
  const poison = page.getByTestId('poison');
  await expect(poison).toContainText('NaN first in layer 3, MoeExpertGate');
  await expect(poison).toContainText('The reference stays finite throughout.');
  await expect(poison.getByRole('figure')).toHaveCount(2);
  await page.keyboard.press('n');
  await poison.getByRole('button', { name: 'Look at where it begins' }).click();
  await expect(page.getByRole('heading', { name: 'Layer 3, MoeExpertGate, token 5' })).toBeVisible();
  await poison.getByText('This run-up as a table').click();
  await expect(page.getByRole('region', { name: 'This run-up as a table' }).getByRole('row')).toHaveCount(13);
});

test('the routing is walked by keys: load, choices, one token’s way', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  await area(page, /^Layers by experts, /).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('token-strip')).toContainText('Inked: the tokens that chose expert 0');
  await area(page, /of one token/).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('token-path').getByRole('heading')).toHaveText(/^The way of token 1/);
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('heading', { name: /^Routing, layer \d/ })).toBeVisible();
  await area(page, /^Stages by error over bound/).focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByTestId('inspector').getByRole('heading', { name: /MoeFfnOut/ })).toBeVisible();
});
