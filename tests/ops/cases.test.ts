import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { OP_CASES } from '../../src/selftest/op-cases';
import { runSelftest } from '../../src/selftest/run-selftest';
import type { SelftestCase } from '../../src/selftest/selftest-case';
import { testContext } from '../support/gpu';

/* The unit tests of the kernels: what the self-test runs, on the adapter that every machine has. */

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

/** Cases by kernel, in order. */
function byKernel(cases: readonly SelftestCase[]): readonly (readonly [string, readonly SelftestCase[]])[] {
  const kernels = [...new Set(cases.map(({ kernel }) => kernel))];
  return kernels.map((kernel) => [kernel, cases.filter((one) => one.kernel === kernel)] as const);
}

/** A software adapter leaves most types of the hardware's methods out; of one type every width is compiled here all the same. */
const runsHere = ({ isExtra = false, types }: SelftestCase): boolean => !isExtra || types.includes('Q4_K');

describe.each(Object.entries(OP_CASES))('%s', (_op, cases) => {
  it.each(byKernel(cases))('%s is within the bounds of every case', { timeout: 120_000 }, async (_kernel, own) => {
    const { rows } = await runSelftest(context, own.filter(runsHere), { runtime: 'node', everything: true });
    expect(rows.filter(({ status }) => status === 'fail')).toEqual([]);
    const ran = rows.filter(({ status }) => status === 'pass').length;
    // Subgroups of more lanes than this adapter has are told, not passed over.
    expect(ran + rows.filter(({ status }) => status === 'not-applicable').length).toBe(rows.length);
    expect(ran).toBeGreaterThan(0);
  });
});
