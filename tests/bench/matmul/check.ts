import type { GpuContext } from '../../../src/gpu/device';
import { OP_CASES } from '../../../src/selftest/op-cases';
import { runSelftest } from '../../../src/selftest/run-selftest';
import { kernelLines } from '../../../src/selftest/selftest-report';
import type { QuantType } from '../../../src/types/types';

/** Runs the cases of products and of dequantised rows for some types on this adapter. Returns how many were outside the bound. */
export async function check(
  context: GpuContext,
  types: readonly QuantType[] | undefined,
  print: (line: string) => void,
): Promise<number> {
  const cases = [...OP_CASES.rows, ...OP_CASES.linear, ...OP_CASES['expert-linear']].filter(
    (one) => types === undefined || types.some((type) => one.types.includes(type)),
  );
  const { rows } = await runSelftest(context, cases, { runtime: 'node', everything: true });
  const failed = rows.filter(({ status }) => status === 'fail');
  for (const { kernel, types: own, shape, note = '' } of failed)
    print(`FAIL ${kernel} ${own.join(' ')}: ${shape}: ${note}`);
  for (const { kernel, worst } of kernelLines(rows)) {
    print(`${kernel.padEnd(36)} worst error / bound ${worst?.toPrecision(3) ?? '-'}`);
  }
  return failed.length;
}
