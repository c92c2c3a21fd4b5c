import { defineConfig } from '@playwright/test';
import base from './playwright.config';

/** `npm run verify`, in the browser: what takes too long for every test run. Serves the engine itself, no built page. */
export default defineConfig({
  ...base,
  testDir: 'verification/browser',
  workers: 1,
  timeout: 600_000,
  webServer: [],
});
