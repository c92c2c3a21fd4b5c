import { expect, test } from '@playwright/test';
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
  await expect(page.getByTestId('verdict')).toHaveText(/^[A-Z]+: /);
  const notice = page.getByTestId('no-webgpu');
  await expect(notice).toContainText(/WebGPU|adapter/);
  await expect(notice.getByTestId('notice-code')).toHaveText(/^gpu-(unavailable|adapter)$/);
  await expect(page.getByTestId('error-code')).toHaveCount(0);
  await page.getByRole('button', { name: 'Run the sample live' }).click();
  await page.waitForFunction(() => ['done', 'error'].includes(document.documentElement.dataset['state'] ?? ''));
  expect(await page.evaluate(() => document.documentElement.dataset['state'])).toBe('done');
  await expect(page.getByText('One arm ran alone')).toBeVisible();
  await expect(page.getByRole('heading', { name: /^Routing, layer/ })).toBeVisible();
});
