import { expect, test } from '@playwright/test';
import { audit } from './support/audit';
import { healthy, pageState, runButton, typeIds } from './support/page';

test('the open model is measured in the page, as a table and as the JSON of the command line', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await healthy(page);
  await typeIds(page, '420, 327');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('Benchmark');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Benchmark' });
  await dialog.getByRole('textbox', { name: 'Prompt tokens' }).fill('3');
  await dialog.getByRole('textbox', { name: 'New tokens' }).fill('none');
  await expect(dialog.getByRole('button', { name: 'Measure' })).toBeDisabled();
  await dialog.getByRole('textbox', { name: 'New tokens' }).fill('2');
  await audit(page, 'benchmark', { only: 'dialog' });

  await dialog.getByRole('button', { name: 'Measure' }).click();
  await expect(dialog.getByRole('status')).toHaveText(/^Measuring: ./);
  const result = dialog.getByTestId('bench-result');
  await expect(result).toBeVisible({ timeout: 120_000 });
  await expect(result.getByRole('row', { name: /^prefill/ })).toHaveText(/tokens\/s \(3 tokens/);
  await expect(result.getByRole('row', { name: /^adapter/ })).toHaveText(/\(software\)/);
  await audit(page, 'benchmark, measured', { only: 'dialog' });
  await dialog.getByRole('button', { name: 'Copy as JSON' }).click();
  await expect(dialog.getByRole('button', { name: 'Copied' })).toBeVisible();
  const report: unknown = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(report).toMatchObject({
    schema: 'moescope-bench/2',
    runtime: 'browser',
    prefill: { tokens: 3 },
    decode: { tokens: 2 },
  });

  // Closing it ends what is being measured: the page can run again.
  await dialog.getByRole('button', { name: 'Measure' }).click();
  await expect(dialog.getByRole('status')).toHaveText(/^Measuring: ./);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect
    .poll(async () => {
      await runButton(page).click();
      return pageState(page, 'done', 'error');
    })
    .toBe('done');
});
