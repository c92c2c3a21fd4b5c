import { describe, expect, it } from 'vitest';
import { subgroupLanes, usableLanes } from '../../../src/gpu/matmul/subgroup-lanes';
import { testContext } from '../../support/gpu';

describe('usableLanes', () => {
  const pairs = (size: number, place: (lane: number) => number): Uint32Array =>
    Uint32Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? size : place(i >> 1)));

  it('is the smallest subgroup when lanes follow one another', () => {
    expect(
      usableLanes(
        pairs(32, (lane) => lane % 32),
        32,
      ),
    ).toBe(32);
    expect(
      usableLanes(
        pairs(16, (lane) => lane % 16),
        8,
      ),
    ).toBe(8);
  });

  it('is 0 when they do not, or a subgroup is smaller than promised', () => {
    expect(
      usableLanes(
        pairs(32, (lane) => (lane * 5) % 32),
        32,
      ),
    ).toBe(0);
    expect(
      usableLanes(
        pairs(4, (lane) => lane % 4),
        8,
      ),
    ).toBe(0);
  });
});

describe('subgroupLanes', () => {
  it('bears out the smallest subgroup that the adapter names', async () => {
    const context = await testContext('adapter');
    const smallest = context.has('subgroups') ? context.device.adapterInfo.subgroupMinSize : 0;
    expect(await subgroupLanes(context)).toBe(smallest);
    context.dispose();
  });

  it('is 0 on a device without the feature', async () => {
    const context = await testContext('default');
    expect(await subgroupLanes(context)).toBe(0);
    context.dispose();
  });
});
