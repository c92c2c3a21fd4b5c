import { afterAll, beforeAll, expect, it } from 'vitest';
import { f32Bits } from '../../src/base/float';
import type { GpuContext } from '../../src/gpu/device';
import { getPipeline } from '../../src/gpu/pipelines';
import { runAlone } from '../../src/gpu/probe/run-alone';
import { ROWS_CASES } from '../../src/ops/rows/cases';
import { testContext } from '../support/gpu';

const SIGN = 0x80000000;

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

it.each(ROWS_CASES.map((one) => [one.types.join(), one.shape, one] as const))(
  '%s, %s: the bits of the reference, or a zero of its sign where the adapter may flush what it is made of',
  async (_type, _shape, { spec, variant, make }) => {
    const work = make();
    const { y } = await runAlone(context, await getPipeline(context, spec, variant), work);
    const words = [...(y?.words ?? [])];
    const expected = [...(work.expected['y']?.values ?? [])].map(f32Bits);
    for (const i of work.expected['y']?.flushable ?? []) {
      const zero = ((expected[i] ?? 0) & SIGN) >>> 0;
      if (words[i] === zero) expected[i] = zero;
    }
    expect(words).toEqual(expected);
  },
);
