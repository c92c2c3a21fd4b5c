import { defineConfig, type TestUserConfig } from 'vitest/config';
import { assemblyScript } from './scripts/lib/assemblyscript.mjs';
import { findChromium, softwareGpuEnvironment } from './scripts/lib/chromium.mjs';

// Dawn under Node finds its software GPU through the environment, which the worker processes inherit.
Object.assign(process.env, softwareGpuEnvironment(findChromium()));

/** Tests whose time goes into compiling kernels: they share a process, and with it a device (tests/support/gpu.ts). */
const SHARE_A_DEVICE = ['gpu', 'session', 'selftest'];
/** Tests of pure functions: they share a process, and with it what they import. */
const SHARE_MODULES = [
  ...['arch', 'base', 'contract', 'divergence', 'model', 'plots', 'regression'],
  ...['scripts', 'share', 'synthetic', 'tokenizer', 'trace'],
];
/** Among them, tests that take a device away, look at what is done with it, or replace what others see. */
const ALONE = [
  'tests/base/sha256.test.ts',
  'tests/gpu/device.test.ts',
  'tests/gpu/bench/meter.test.ts',
  'tests/gpu/decode/tuner.test.ts',
  'tests/session/decoder-judged.test.ts',
  'tests/session/device-lost.test.ts',
  'tests/session/isolate-blamed.test.ts',
  'tests/session/loss-at-any-submit.test.ts',
  'tests/session/thorough.test.ts',
];
const filesOf = (folders: readonly string[]): string[] => folders.map((folder) => `tests/${folder}/**/*.test.ts`);
const SHARING = [...SHARE_A_DEVICE, ...SHARE_MODULES];

/** How every test runs, those of `npm run verify` included. */
export const COMMON = {
  environment: 'node',
  server: { deps: { inline: [/@actions\//] } },
  // Processes, not threads: the Vulkan loader reads the environment of the process.
  pool: 'forks' as const,
  // Two cores: one file with a software GPU beside one without.
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 120_000,
} satisfies TestUserConfig;

export default defineConfig({
  plugins: [assemblyScript()],
  test: {
    ...COMMON,
    projects: [
      { extends: true, test: { name: 'gpu', include: filesOf(SHARE_A_DEVICE), exclude: ALONE, isolate: false } },
      { extends: true, test: { name: 'pure', include: filesOf(SHARE_MODULES), exclude: ALONE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['tests/*.test.ts', `tests/!(${SHARING.join('|')})/**/*.test.ts`, ...ALONE],
        },
      },
    ],
  },
});
