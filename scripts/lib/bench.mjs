import { join } from 'node:path';
import { assemblyScript } from './assemblyscript.mjs';
import { ROOT, run } from './process.mjs';

/**
 * Builds a bench into one file that runs on any machine with Node and the npm package `webgpu` beside it, and runs it here unless
 * `--build-only` is among the options.
 * @param {string} entry below the root
 * @param {string} outDir below the root; the program is its main.js
 * @param {readonly string[]} options
 */
export async function runBench(entry, outDir, options) {
  const { build } = await import('vite');
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [assemblyScript()],
    ssr: { noExternal: true, external: ['webgpu'], target: 'node' },
    build: { ssr: entry, target: 'node20', outDir, emptyOutDir: true, minify: false },
  });
  if (options.includes('--build-only')) return 0;
  return run(process.execPath, [join(ROOT, outDir, 'main.js'), ...options]);
}
