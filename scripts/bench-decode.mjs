// node scripts/bench-decode.mjs [options of tests/bench/decode/main.ts]: builds the decode bench and runs it on this machine's GPU.
// --build-only leaves .cache/bench-decode/main.js, which runs on any machine with Node and the npm package `webgpu` beside it.
import { runBench } from './lib/bench.mjs';
import { runMain } from './lib/process.mjs';

await runMain(() => runBench('tests/bench/decode/main.ts', '.cache/bench-decode', process.argv.slice(2)));
