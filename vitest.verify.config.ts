import { defineConfig } from 'vitest/config';
import { assemblyScript } from './scripts/lib/assemblyscript.mjs';
import { COMMON } from './vitest.config';

/** `npm run verify`: the figures of docs/verification.md, measured afresh. Takes some minutes, most of them for the defects; not part of `npm test`, which asserts the same limits. */
export default defineConfig({
  plugins: [assemblyScript()],
  test: { ...COMMON, include: ['verification/**/*.test.ts'] },
});
