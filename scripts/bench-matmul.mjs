// node scripts/bench-matmul.mjs [options of tests/bench/matmul/main.ts]: builds the kernel bench and runs it on this machine's GPU.
// --build-only leaves .cache/bench/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
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
      ssr: 'tests/bench/matmul/main.ts',
      target: 'node20',
      outDir: '.cache/bench',
      emptyOutDir: true,
      minify: false,
    },
  });
  const options = process.argv.slice(2);
  if (options.includes('--build-only')) return 0;
  return run(process.execPath, [join(ROOT, '.cache/bench/main.js'), ...options]);
});
