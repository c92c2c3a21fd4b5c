import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { MatmulMethod } from '../../src/gpu/matmul/variants';
import { getPipeline } from '../../src/gpu/pipelines';
import { runAlone } from '../../src/gpu/probe/run-alone';
import { METHODS, productCase, range, type Product } from '../../src/ops/linear/product-case';
import { testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

/** The words of y. */
async function bitsOf(method: MatmulMethod, product: Product): Promise<Uint32Array> {
  const one = productCase('Q4_K', method, product);
  const { y } = await runAlone(context, await getPipeline(context, one.spec, one.variant), one.make());
  if (y === undefined) throw new Error('no y');
  return y.words;
}

it.each(METHODS.map((method) => [method.kind, method] as const))(
  '%s gives the same bits on every run',
  async (_, method) => {
    const product = { nIn: 768, nOut: 33, shares: [range(9)] };
    expect(await bitsOf(method, product)).toEqual(await bitsOf(method, product));
  },
);

describe('tiles', () => {
  it('of every size give a row the same bits, whatever entry it lies in', async () => {
    const product = { nIn: 512, nOut: 67, shares: [range(33)] };
    const all: string[] = [];
    for (const laneRows of [2, 4, 8] as const) {
      all.push((await bitsOf({ kind: 'tile', tile: 32, laneRows }, product)).join());
    }
    expect(new Set(all).size).toBe(1);
    // The other way round other rows share an entry, and another one is alone in its own; y is written in reverse.
    const method = { kind: 'tile', tile: 32, laneRows: 2 } as const;
    const turned = await bitsOf(method, { ...product, shares: [range(33).toReversed()] });
    const rows = range(33).map((r) => turned.subarray(67 * r, 67 * (r + 1)).join());
    expect(rows.toReversed().join()).toBe(all[0]);
  });
});
