// node scripts/bench-decode.mjs [options of tests/bench/decode/main.ts]: builds the decode bench and runs it on this machine's GPU.
// --build-only leaves .cache/bench-decode/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench } from './lib/bench.mjs';
import { ROOT, runMain } from './lib/process.mjs';

await runMain(async () => {
  // The test support that is built in lists the golden models' folder when it is loaded; the bench needs none of them.
  await mkdir(join(ROOT, '.cache/golden'), { recursive: true });
  return runBench('tests/bench/decode/main.ts', '.cache/bench-decode', process.argv.slice(2));
});
