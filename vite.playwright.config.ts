import { defineConfig } from 'vite';
import { versionDefines } from './scripts/lib/version.mjs';

/** What `moescope/playwright` takes from the project that uses it. */
const EXTERNAL = ['@playwright/test', 'playwright-core', 'webgpu'];

/** The Playwright fixture: dist/playwright/entry.js for Node. `scripts/lib/declarations.mjs` writes its types beside it. */
export default defineConfig({
  define: versionDefines(),
  publicDir: false,
  ssr: { noExternal: true, external: EXTERNAL, target: 'node' },
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist/playwright',
    emptyOutDir: true,
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      input: { entry: 'src/playwright/entry.ts' },
      external: EXTERNAL,
      checks: { pluginTimings: false },
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunk-[name].js' },
    },
  },
});
