import { defineConfig } from '@playwright/test';
import { findChromium } from './scripts/lib/chromium.mjs';

/** One port for the whole run; the workers inherit it. Derived from the process id so that two runs do not meet. */
process.env.MOESCOPE_E2E_PORT ??= String(20_000 + (process.pid % 20_000));
const baseURL = `http://localhost:${process.env.MOESCOPE_E2E_PORT}/`;
const chromium = findChromium();

/** The built page in headless Chromium, with WebGPU on the software GPU that Chromium carries. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/artifacts',
  // Two cores: the software GPU needs both.
  workers: 1,
  forbidOnly: true,
  timeout: 120_000,
  reporter: 'list',
  // Requests that a service worker answers cannot be intercepted; the tests of being offline allow it.
  use: { baseURL, trace: 'off', actionTimeout: 15_000, serviceWorkers: 'block' },
  projects: [
    {
      name: 'chromium',
      use: {
        browserName: 'chromium',
        headless: true,
        launchOptions: {
          ...(chromium === undefined ? {} : { executablePath: chromium }),
          args: [
            '--no-sandbox',
            '--enable-unsafe-webgpu',
            '--use-webgpu-adapter=swiftshader',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
          ],
        },
      },
    },
  ],
  webServer: {
    command: `node dist/cli/moescope.js serve --port ${process.env.MOESCOPE_E2E_PORT}`,
    url: baseURL,
    reuseExistingServer: false,
    timeout: 30_000,
  },
});
