import { expect, test } from '@playwright/test';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { pageState, runButton } from '../support/page';
import { shootAll } from './shoot';

const chromium = findChromium();
test.use({
  launchOptions: {
    ...(chromium === undefined ? {} : { executablePath: chromium }),
    args: ['--no-sandbox', '--disable-features=WebGPU,WebGPUService', '--disable-gpu'],
  },
});

shootAll([
  {
    name: 'no-webgpu',
    address: '/',
    prepare: async (page) => {
      await expect(page.getByTestId('no-webgpu')).toBeVisible();
    },
    kept: ['1440-light', '360-dark'],
  },
  {
    name: 'no-webgpu-ran',
    address: '/',
    prepare: async (page) => {
      await expect(page.getByTestId('no-webgpu')).toBeVisible();
      await runButton(page).click();
      await pageState(page, 'done', 'error');
    },
    kept: ['1440-light'],
  },
]);
