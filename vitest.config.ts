import { defineConfig } from 'vitest/config';
import { assemblyScript } from './scripts/lib/assemblyscript.mjs';
import { findChromium, softwareGpuEnvironment } from './scripts/lib/chromium.mjs';

// Dawn under Node finds its software GPU through the environment, which the worker processes inherit.
Object.assign(process.env, softwareGpuEnvironment(findChromium()));

export default defineConfig({
  plugins: [assemblyScript()],
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    server: { deps: { inline: [/@actions\//] } },
    // Processes, not threads: the Vulkan loader reads the environment of the process.
    pool: 'forks',
    // Two cores: one file with a software GPU beside one without.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
