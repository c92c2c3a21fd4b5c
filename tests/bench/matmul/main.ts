import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isQuantType } from '../../../src/gguf/ggml-types';
import { openDevice } from '../../../src/gpu/device';
import { subgroupLanes } from '../../../src/gpu/matmul/subgroup-lanes';
import { nodeGpu, useSwiftShader } from '../../../src/gpu/node-device';
import { check } from './check';
import { describeTiming, makePool, measure } from './measure';
import { methodName, methodsFor } from './methods';
import { SHAPES, TOKENS } from './shapes';

/*
 * node scripts/bench-matmul.mjs [--check] [--quick] [--types Q4_K,Q6_K] [--shapes gate,head] [--tokens 1,12,512] [--json FILE]
 *   --check   the product tests' cases on this adapter, instead of timing
 *   --quick   one setting of each method, instead of a sweep
 */
const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    types: { type: 'string' },
    shapes: { type: 'string' },
    tokens: { type: 'string' },
    json: { type: 'string' },
  },
});
const types = options.types?.split(',').filter(isQuantType);
const shapeNames = options.shapes?.split(',');
const tokenCounts = options.tokens?.split(',').map(Number) ?? TOKENS;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

useSwiftShader();
const context = await openDevice(nodeGpu(), { adapter: 'any' });
const lanes = await subgroupLanes(context);
const { vendor, architecture, description } = context.card;
print(`${vendor} ${architecture} ${description}; ${lanes} subgroup lanes`);

if (options.check) {
  const failures = await check(context, types, print);
  print(failures === 0 ? 'all inside the bound' : `${failures} cases outside the bound`);
  process.exitCode = failures === 0 ? 0 : 1;
} else {
  const results: object[] = [];
  const pool = makePool(context);
  for (const shape of SHAPES) {
    if (shapeNames?.includes(shape.name) === false) continue;
    for (const type of types ?? shape.types) {
      for (const tokens of tokenCounts) {
        const rowsPerMatrix = Math.ceil((tokens * shape.used) / shape.nMatrices);
        for (const method of methodsFor(rowsPerMatrix, lanes >= 4, options.quick)) {
          if (method.kind === 'subgroup' && method.lanes > lanes) continue;
          const timing = await measure(context, pool, shape, type, tokens, method);
          if (timing === undefined) continue;
          const label = `${shape.name} ${shape.nIn}x${shape.nOut}`.padEnd(18);
          print(
            `${label} ${type.padEnd(5)} ${String(tokens).padStart(4)} ${methodName(method).padEnd(34)} ${describeTiming(timing)}`,
          );
          results.push({ shape: shape.name, type, tokens, method, ...timing });
        }
      }
    }
  }
  pool.dispose();
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, undefined, 1));
}
context.dispose();
