import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { build, preview, type PreviewServer } from 'vite';
import { versionDefines } from '../../scripts/lib/version.mjs';

/** Builds the page over a replayed run (`harness/size.html`) as it is shipped, and serves it. */
export async function serveHarnessPage(): Promise<{ readonly server: PreviewServer; readonly address: string }> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const outDir = `${root}/test-results/size-page`;
  // A development server of another test in this process leaves `development` there, and the build would carry React's slow half.
  process.env.NODE_ENV = 'production';
  await build({
    configFile: false,
    root: `${root}/e2e/harness`,
    base: './',
    logLevel: 'error',
    plugins: [react()],
    define: versionDefines(),
    mode: 'production',
    build: { outDir, emptyOutDir: true, target: 'es2023', rolldownOptions: { input: `${root}/e2e/harness/size.html` } },
  });
  const { server, address } = await serveFolder(outDir);
  return { server, address: `${address}size.html` };
}

/** Serves a built page. */
export async function serveFolder(
  outDir: string,
): Promise<{ readonly server: PreviewServer; readonly address: string }> {
  const server = await preview({ configFile: false, build: { outDir }, preview: { port: 0 }, logLevel: 'error' });
  return { server, address: server.resolvedUrls?.local[0] ?? '' };
}
