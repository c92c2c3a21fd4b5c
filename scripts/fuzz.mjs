// npm run fuzz -- [--seed N] [--share 0.01] [--fresh] [--only 'chat templates']...: builds verification/fuzz into one file and runs it, at low priority.
// Goes on where it was ended; what came out is in test-results/fuzz/.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench } from './lib/bench.mjs';
import { ROOT, runMain } from './lib/process.mjs';

await runMain(async () => {
  // The test support that is built in lists the golden models' folder when it is loaded; nothing here needs them.
  await mkdir(join(ROOT, '.cache/golden'), { recursive: true });
  return runBench('verification/fuzz/main.ts', '.cache/fuzz', process.argv.slice(2));
});
