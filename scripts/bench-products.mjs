// node scripts/bench-products.mjs [options of tests/bench/products/main.ts]: how fast the reference multiplies on one core of this machine,
// beside what the core can do.
import { runBench } from './lib/bench.mjs';
import { runMain } from './lib/process.mjs';

await runMain(() => runBench('tests/bench/products/main.ts', '.cache/bench-products', process.argv.slice(2)));
