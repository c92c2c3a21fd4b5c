// node scripts/bench-engine.mjs [options of tests/bench/engine/main.ts]: builds the engine bench and runs it on this machine's GPU.
// --build-only leaves .cache/bench-engine/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run, runMain } from './lib/process.mjs';

await runMain(async () => {
  const { build } = await import('vite');
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true, external: ['webgpu'], target: 'node' },
    build: {
      ssr: 'tests/bench/engine/main.ts',
      target: 'node20',
      outDir: '.cache/bench-engine',
      emptyOutDir: true,
      minify: false,
    },
  });
  // The test support that is built in lists the golden models' folder when it is loaded; the bench needs none of them.
  await mkdir(join(ROOT, '.cache/golden'), { recursive: true });
  const options = process.argv.slice(2);
  if (options.includes('--build-only')) return 0;
  return run(process.execPath, [join(ROOT, '.cache/bench-engine/main.js'), ...options]);
});
