// node scripts/bench-mutations.mjs: builds and runs the self-test's seeded defects on this machine's GPU.
// --build-only leaves .cache/bench-mutations/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
import { runBench } from './lib/bench.mjs';
import { runMain } from './lib/process.mjs';

await runMain(() => runBench('tests/bench/mutations/main.ts', '.cache/bench-mutations', process.argv.slice(2)));
