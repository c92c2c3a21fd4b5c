import { QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import { cases, describeCase } from '../../gpu/matmul/cases';
import { runCase } from '../../gpu/matmul/run-matmul';
import { methodName, methodsFor } from './methods';

/** Runs the cases of the product tests for every type and method on this adapter. Returns how many were outside the bound. */
export async function check(
  context: GpuContext,
  types: readonly QuantType[] | undefined,
  lanes: number,
  print: (line: string) => void,
): Promise<number> {
  let failures = 0;
  const methods = [1, 8, 64].flatMap((rows) => methodsFor(rows, lanes >= 4, true));
  for (const method of methods) {
    if ('lanes' in method && method.kind === 'subgroup' && method.lanes > lanes) continue;
    let worst = 0;
    for (const type of types ?? QUANT_TYPES) {
      for (const c of cases(type, method.kind)) {
        const matmul = await prepareMatmul(context, { ...c, rowsPerMatrix: method.tile }, method);
        const { worstRatio, strayWrites } = await runCase(context, matmul, c);
        worst = Math.max(worst, worstRatio);
        if (worstRatio <= 1 && strayWrites === 0) continue;
        failures++;
        print(`FAIL ${methodName(method)}: ${describeCase(c)}: ratio ${worstRatio}, ${strayWrites} stray writes`);
      }
    }
    print(`${methodName(method).padEnd(36)} worst error / bound ${worst.toPrecision(3)}`);
  }
  return failures;
}
