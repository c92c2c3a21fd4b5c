import { defineConfig } from 'vite';
import { assemblyScript } from './scripts/lib/assemblyscript.mjs';
import { versionDefines } from './scripts/lib/version.mjs';

/** What the command line loads from node_modules: a native module, and a browser driver with files of its own. */
const EXTERNAL = ['webgpu', 'playwright-core'];

/** The command line: dist/cli/moescope.js for Node, everything but {@link EXTERNAL} inside. */
export default defineConfig({
  plugins: [assemblyScript()],
  define: versionDefines(),
  publicDir: false,
  ssr: { noExternal: true, external: EXTERNAL, target: 'node' },
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist/cli',
    emptyOutDir: true,
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      input: {
        moescope: 'src/cli/main.ts',
        'cpu-worker': 'src/cpu/pool/node-worker-entry.ts',
        'judge-worker': 'src/session/judging/node-entry.ts',
        'reference-worker': 'src/session/reference/node-entry.ts',
        'template-worker': 'src/tokenizer/template-thread/node-entry.ts',
        'llama-cpp-child': 'src/engine/llama-cpp/child-entry.ts',
      },
      external: EXTERNAL,
      checks: { pluginTimings: false },
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunk-[name].js' },
    },
  },
});
