import { defineConfig } from '@playwright/test';
import base from './playwright.config';

/** `npm run pictures`: every state of the page, for people to look at. Asserts next to nothing, so it is no part of a test run. */
export default defineConfig({
  ...base,
  testDir: 'e2e/pictures',
  testMatch: '*.shoot.ts',
  workers: 1,
  projects: (base.projects ?? []).slice(0, 1).map(({ use }) => ({ name: 'pictures', use: use ?? {} })),
});
