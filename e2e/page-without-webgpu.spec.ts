import { expect, test } from '@playwright/test';
import { runButton } from './support/page';
import { findChromium } from '../scripts/lib/chromium.mjs';

const chromium = findChromium();
test.use({
  launchOptions: {
    ...(chromium === undefined ? {} : { executablePath: chromium }),
    args: ['--no-sandbox', '--disable-features=WebGPU,WebGPUService', '--disable-gpu'],
  },
});

test('without WebGPU the page opens, says which check failed, and runs the reference alone', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByTestId('verdict')).toHaveText(/^[A-Z ]+: /);
  const notice = page.getByTestId('no-webgpu');
  await expect(notice).toContainText(/WebGPU|adapter/);
  await expect(notice.getByTestId('notice-code')).toHaveText(/^gpu-(unavailable|adapter)$/);
  await expect(page.getByTestId('error-code')).toHaveCount(0);
  await runButton(page).click();
  await page.waitForFunction(() => ['done', 'error'].includes(document.documentElement.dataset['state'] ?? ''));
  expect(await page.evaluate(() => document.documentElement.dataset['state'])).toBe('done');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Reference only: nothing to compare.');
  await expect(page.getByText('One side ran alone.')).toBeVisible();
  await expect(page.getByText(/^[1-9]\d* stages of 6 layers, 8 tokens\.$/)).toBeVisible();
  // Nothing on the page speaks of two sides that agree.
  const said = await page.locator('main').innerText();
  expect(said).not.toMatch(/both (?:arms|sides) (?:agree|choose|chose|took|go)/i);
});
