// node scripts/bench-matmul.mjs [options of tests/bench/matmul/main.ts]: builds the kernel bench and runs it on this machine's GPU.
// --build-only leaves .cache/bench/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
import { runBench } from './lib/bench.mjs';
import { runMain } from './lib/process.mjs';

await runMain(() => runBench('tests/bench/matmul/main.ts', '.cache/bench', process.argv.slice(2)));
