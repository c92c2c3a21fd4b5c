import { QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import { cases, describeCase } from '../../gpu/matmul/cases';
import { runCase } from '../../gpu/matmul/run-matmul';
import { dequantBoth } from '../../gpu/matmul/run-dequant';
import type { MatmulMethod } from '../../../src/gpu/matmul/variants';
import { methodName, methodsFor } from './methods';

/** Runs the cases of the product tests for every type and method on this adapter. Returns how many were outside the bound. */
export async function check(
  context: GpuContext,
  types: readonly QuantType[] | undefined,
  lanes: number,
  print: (line: string) => void,
): Promise<number> {
  let failures = await checkDequantisation(context, types ?? QUANT_TYPES, print);
  const methods: readonly MatmulMethod[] = [
    { kind: 'naive', tile: 8 },
    ...[1, 8, 64].flatMap((rows) => methodsFor(rows, lanes >= 4, true)),
  ];
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

/** Dequantised values against the reference's bits. Signs of zeros and subnormals are the adapter's own affair, hence only counted. */
async function checkDequantisation(
  context: GpuContext,
  types: readonly QuantType[],
  print: (line: string) => void,
): Promise<number> {
  let failures = 0;
  for (const type of types) {
    for (const kind of ['normal', 'extreme'] as const) {
      const { gpu, reference } = await dequantBoth(context, type, kind, [4, 0, 3]);
      const wrong = gpu.filter((value, i) => value !== reference[i]).length;
      const bits = gpu.filter((value, i) => !Object.is(value, reference[i])).length;
      if (bits > 0) print(`${type} ${kind}: ${wrong} of ${gpu.length} values differ, ${bits} in their bits`);
      if (wrong > 0) failures++;
    }
  }
  return failures;
}
