import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    // Two cores: one file with a software GPU beside one without.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
