import { defineConfig } from '@playwright/test';
import { findChromium } from './scripts/lib/chromium.mjs';
import type { MoescopeOptions } from './src/playwright/settings';
import { webgpu } from './src/playwright/webgpu';

/** One port for the whole run; the workers inherit it. Derived from the process id so that two runs do not meet. */
process.env.MOESCOPE_E2E_PORT ??= String(20_000 + (process.pid % 20_000));
const baseURL = `http://localhost:${process.env.MOESCOPE_E2E_PORT}/`;
const chromium = findChromium();

const use = {
  headless: true,
  ...webgpu('software', chromium === undefined ? {} : { executablePath: chromium }),
  // What `npm test` has built is served once for all workers.
  moescope: { adapter: 'software', url: baseURL },
} as const;

/** Tests that time the page: nothing else runs beside them. */
const ALONE = /@alone/;

/** The built page in headless Chromium, with WebGPU on the software GPU that Chromium carries. */
export default defineConfig<{ moescope: MoescopeOptions }>({
  testDir: 'e2e',
  outputDir: 'test-results/artifacts',
  // Two cores: while one page waits, another computes.
  workers: 2,
  forbidOnly: true,
  // Generous: a page beside another one waits for the cores.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  // Requests that a service worker answers cannot be intercepted; the tests of being offline allow it.
  use: { baseURL, trace: 'off', actionTimeout: 60_000, serviceWorkers: 'block' },
  projects: [
    { name: 'chromium', grepInvert: ALONE, use },
    { name: 'alone', grep: ALONE, workers: 1, dependencies: ['chromium'], use },
  ],
  webServer: {
    command: `node dist/cli/moescope.js serve --port ${process.env.MOESCOPE_E2E_PORT}`,
    url: baseURL,
    reuseExistingServer: false,
    timeout: 30_000,
  },
});
