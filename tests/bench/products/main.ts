import { parseArgs } from 'node:util';
import { seededRandom } from '../../../src/base/random';
import { simdRows } from '../../../src/cpu/kernels/simd-rows';
import { isQuantType, rowBytes, type QuantType } from '../../../src/gguf/ggml-types';
import { randomBlocks } from '../../../src/gguf/random-blocks';
import { base64 } from '../../../wasm/peak.ts?assemblyscript';

/*
 * node scripts/bench-products.mjs [--types Q4_K,F32] [--shapes 2048x768] [--tokens 1,12,128] [--rounds 5] [--magnitudes]
 *
 * The reference's products on one core: thousand million multiply-adds a second, as a share of what a loop of f64x2 multiplications and additions
 * in registers reaches in turn with them. Each call dequantises its rows, as a worker's does.
 */
const { values: options } = parseArgs({
  options: {
    types: { type: 'string', default: 'Q4_K,Q6_K,F32' },
    shapes: { type: 'string', default: '2048x768,768x2048,2048x4096,2048x512,2048x151936' },
    tokens: { type: 'string', default: '1,12,128' },
    rounds: { type: 'string', default: '5' },
    magnitudes: { type: 'boolean', default: false },
  },
});

/** Weights of one call, as units of a worker are cut. */
const UNIT_BYTES = 2 * 2 ** 20;
/** Milliseconds of processor time of one measurement at least. */
const STRETCH_MS = 30;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))),
  { env: { memory: new WebAssembly.Memory({ initial: 1 }) } },
);
const peakLoop = exports['peak'] as (turns: number, by: number) => number;

/** Milliseconds of processor time: what others do on the same core meanwhile does not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Multiply-adds a nanosecond. */
function rate(work: () => number): number {
  const started = processorMs();
  let done = 0;
  do done += work();
  while (processorMs() - started < STRETCH_MS);
  return done / (processorMs() - started) / 1e6;
}

const peak = (): number => {
  // Seven vectors of two a turn.
  peakLoop(100_000, 1);
  return 14e5;
};

function product(type: QuantType, nIn: number, nOut: number, nTokens: number): () => number {
  const random = seededRandom(1);
  const rows = Math.min(nOut, Math.floor(UNIT_BYTES / rowBytes(type, nIn)));
  const bytes = randomBlocks(type, rows * nIn, 0.05, random);
  const x = Float64Array.from({ length: nTokens * nIn }, () => random.normal());
  return () => {
    const work = simdRows({ type, bytes, rows, nIn, x, nTokens, magnitudes: options.magnitudes ? nTokens : 0 });
    if (work === undefined) throw new Error('this Node has no WebAssembly SIMD');
    work.multiply(0, rows);
    work.y();
    work.magnitudes();
    work.release();
    return rows * nIn * nTokens;
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

print('| product | type | tokens | G multiply-adds/s | of the peak (lowest, highest) |\n|---|---|---|---|---|');
const peaks: number[] = [];
for (const shape of options.shapes.split(',')) {
  const [nIn = 0, nOut = 0] = shape.split('x').map(Number);
  for (const type of options.types.split(',').filter(isQuantType)) {
    for (const nTokens of options.tokens.split(',').map(Number)) {
      const run = product(type, nIn, nOut, nTokens);
      rate(run);
      const shares: number[] = [];
      const rates: number[] = [];
      for (let round = 0; round < Number(options.rounds); round++) {
        const most = rate(peak);
        const reached = rate(run);
        peaks.push(most);
        rates.push(reached);
        shares.push((100 * reached) / most);
      }
      const [least, most] = [Math.min(...shares), Math.max(...shares)];
      print(
        `| ${shape} | ${type} | ${nTokens} | ${median(rates).toFixed(2)} | ${median(shares).toFixed(0)} % (${least.toFixed(0)}, ${most.toFixed(0)}) |`,
      );
    }
  }
}
print(
  `\nPeak: ${median(peaks).toFixed(2)} G multiply-adds/s (${Math.min(...peaks).toFixed(2)} to ${Math.max(...peaks).toFixed(2)}).`,
);
