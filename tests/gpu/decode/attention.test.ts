import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { DECODE_ATTENTION_CASES } from '../../../src/selftest/decode/attention';
import { runSelftest } from '../../../src/selftest/run-selftest';
import { testContext } from '../../support/gpu';

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

async function expectWithinBounds(on: GpuContext, kernels: RegExp, atLeast: number): Promise<void> {
  const cases = DECODE_ATTENTION_CASES.filter(
    ({ kernel, isExtra, needs }) => kernels.test(kernel) && isExtra !== true && (needs?.subgroupLanes ?? 4) <= 4,
  );
  const { rows } = await runSelftest(on, cases, { runtime: 'node' });
  expect(rows.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(rows.length).toBe(cases.length);
  expect(rows.length).toBeGreaterThanOrEqual(atLeast);
}

it('of single heads is within its bounds on default limits, NaN and infinities included', async () => {
  await expectWithinBounds(context, /attention$/, 8);
});

it('of heads that share keys, and of joined splits, is within its bounds on default limits', async () => {
  await expectWithinBounds(context, /shared|join/, 11);
});

it('by lane groups is within its bounds where there are subgroups', async () => {
  const withSubgroups = await testContext('adapter');
  await expectWithinBounds(withSubgroups, /lane_groups/, 9);
  withSubgroups.dispose();
});
