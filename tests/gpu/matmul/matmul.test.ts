import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import type { MatmulMethod } from '../../../src/gpu/matmul/variants';
import { testContext } from '../../support/gpu';
import { cases, describeCase, range } from './cases';
import { runCase, type MatmulCase } from './run-matmul';

/** Every kernel, with widths that its WGSL treats differently. A subgroup of 4 is the smallest that any adapter has. */
const METHODS: readonly (readonly [string, MatmulMethod])[] = [
  ['naive', { kind: 'naive', tile: 8 }],
  ['lane', { kind: 'lane', tile: 8 }],
  ['team of 8, 1 row', { kind: 'team', tile: 1, teamRows: 2, lanes: 8 }],
  ['team of 32, 4 rows', { kind: 'team', tile: 4, teamRows: 2, lanes: 32 }],
  ['subgroup of 4, 1 row', { kind: 'subgroup', tile: 1, teamRows: 4, lanes: 4 }],
  ['subgroup of 4, 4 rows', { kind: 'subgroup', tile: 4, teamRows: 1, lanes: 4 }],
  ['tile, 2 rows a lane', { kind: 'tile', tile: 32, laneRows: 2 }],
  ['tile, 8 rows a lane', { kind: 'tile', tile: 32, laneRows: 8 }],
];

/** The naive kernel shows that each format is read right; the fast ones read through the same files, so a type of each column order does. */
const typesOf = (method: MatmulMethod): readonly QuantType[] =>
  method.kind === 'naive' ? QUANT_TYPES : ['BF16', 'Q4_K', 'Q6_K'];

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

describe.each(METHODS)('%s', (_name, method) => {
  it.each(typesOf(method))('%s stays inside the error bound in every case', async (type) => {
    for (const c of cases(type, method.kind)) {
      const shape = { type, nIn: c.nIn, nOut: c.nOut, rowsPerMatrix: method.tile };
      const { worstRatio, strayWrites } = await runCase(context, await prepareMatmul(context, shape, method), c);
      expect(worstRatio, describeCase(c)).toBeLessThanOrEqual(1);
      expect(strayWrites, describeCase(c)).toBe(0);
    }
  });

  it('gives the same bits on every run', async () => {
    const c: MatmulCase = {
      type: 'Q4_K',
      nIn: 3 * ggmlType('Q4_K').blockSize,
      nOut: 33,
      shares: [range(9)],
      weights: 'normal',
      input: 'normal',
      gap: 0,
      seed: 2,
    };
    const matmul = await prepareMatmul(context, { ...c, rowsPerMatrix: 9 }, method);
    const first = await runCase(context, matmul, c);
    expect((await runCase(context, matmul, c)).bits).toEqual(first.bits);
  });
});

describe('tiles', () => {
  it('of every size give a row the same bits, whatever entry it lies in', async () => {
    const c = { type: 'Q4_K', nIn: 512, nOut: 67, weights: 'normal', input: 'normal', gap: 4, seed: 5 } as const;
    const methods = ([2, 4, 8] as const).map((laneRows) => ({ kind: 'tile', tile: 32, laneRows }) as const);
    const all: string[] = [];
    for (const method of methods) {
      const matmul = await prepareMatmul(context, { ...c, rowsPerMatrix: 32 }, method);
      const whole = await runCase(context, matmul, { ...c, shares: [range(33)] });
      all.push(whole.bits.join());
      if (method.laneRows !== 8) continue;
      const narrow = await runCase(context, { ...matmul, tile: 5 }, { ...c, shares: [range(33)] });
      all.push(narrow.bits.join());
    }
    expect(new Set(all).size).toBe(1);
  });
});
