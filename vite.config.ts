import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { assemblyScript } from './scripts/lib/assemblyscript.mjs';
import {
  contentSecurityPolicy,
  offlineFiles,
  preloadFonts,
  previewAddress,
  SERVICE_WORKER,
} from './scripts/lib/page-plugins.mjs';
import { versionDefines } from './scripts/lib/version.mjs';

/** A slow machine is no reason to warn of slow plugins. */
const rolldownOptions = { checks: { pluginTimings: false } };

/** The page: static files that work from any folder of any host. */
export default defineConfig({
  base: './',
  plugins: [react(), assemblyScript(), contentSecurityPolicy(), preloadFonts(), previewAddress(), offlineFiles()],
  define: versionDefines(),
  worker: { format: 'es', plugins: () => [assemblyScript()], rolldownOptions },
  build: {
    target: 'es2023',
    sourcemap: true,
    rolldownOptions: {
      ...rolldownOptions,
      input: { index: 'index.html', sw: 'src/offline/service-worker.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? SERVICE_WORKER : 'assets/[name]-[hash].js') },
    },
  },
});
