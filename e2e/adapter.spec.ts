import { expect, test } from '@playwright/test';

test('the served page has a WebGPU adapter, the software one, and the headers of _headers', async ({ page }) => {
  const response = await page.goto('/');
  expect(response?.headers()['content-security-policy']).toContain("default-src 'none'");
  const architecture = await page.evaluate(async () => (await navigator.gpu.requestAdapter())?.info.architecture);
  expect(architecture).toBe('swiftshader');
});
