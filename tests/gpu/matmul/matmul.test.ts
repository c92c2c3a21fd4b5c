import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import { testContext } from '../../support/gpu';
import { runCase, type MatmulCase } from './run-matmul';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

/** Row lengths that each type allows: one block, several, the real model's two, and for floats what fits no vector width. */
function rowLengths(type: QuantType): readonly number[] {
  const { blockSize } = ggmlType(type);
  if (blockSize === 1) return [1, 31, 32, 33, 100, 768];
  return blockSize === 32 ? [32, 64, 768] : [256, 768, 2048];
}

const range = (n: number, from = 0): readonly number[] => Array.from({ length: n }, (_, i) => from + i);
const PLAIN = { weights: 'normal', input: 'normal', gap: 0, seed: 1 } as const;

/** Shapes, lists and inputs that break sloppy kernels; row lengths take turns. */
function cases(type: QuantType): readonly MatmulCase[] {
  const lengths = rowLengths(type);
  const nIn = lengths[1] ?? 32;
  return [
    ...lengths.map((n) => ({ ...PLAIN, type, nIn: n, nOut: 65, shares: [[0]] })),
    ...[1, 3, 63, 64, 127].map((nOut) => ({ ...PLAIN, type, nIn, nOut, shares: [range(2)], gap: 3 })),
    ...[7, 8, 9, 33].map((n) => ({ ...PLAIN, type, nIn, nOut: 5, shares: [range(n)], gap: 1 })),
    { ...PLAIN, type, nIn, nOut: 7, shares: [[5, 0, 3], [], [2, 2, 9, 1, 4, 7, 8, 6, 5], [0]], gap: 4 },
    { ...PLAIN, type, nIn, nOut: 9, shares: [[], range(17), []] },
    ...(['zero', 'one-hot', 'large', 'subnormal', 'minus-zero'] as const).map((input) => ({
      ...PLAIN,
      type,
      nIn,
      nOut: 9,
      shares: [range(3)],
      input,
      seed: 5,
    })),
    { ...PLAIN, type, nIn, nOut: 33, shares: [range(4)], weights: 'extreme' },
    { ...PLAIN, type, nIn, nOut: 33, shares: [range(4)], weights: 'extreme', input: 'one-hot' },
    { ...PLAIN, type, nIn, nOut: 3, shares: [range(2)], weights: 'zero' },
  ];
}

const describeCase = (c: MatmulCase): string =>
  `${c.type} ${c.nIn}->${c.nOut}, ${c.shares.map((s) => s.length).join('+')} rows, ${c.weights} x ${c.input}, gap ${c.gap}`;

describe.each(QUANT_TYPES)('%s', (type) => {
  it('stays inside the error bound in every case', async () => {
    for (const c of cases(type)) {
      const rowsPerMatrix = Math.max(...c.shares.map((s) => s.length));
      const matmul = await prepareMatmul(context, { type, nIn: c.nIn, nOut: c.nOut, rowsPerMatrix });
      const { worstRatio, strayWrites } = await runCase(context, matmul, c);
      expect(worstRatio, describeCase(c)).toBeLessThanOrEqual(1);
      expect(strayWrites, describeCase(c)).toBe(0);
    }
  });

  it('gives the same bits on every run', async () => {
    const c: MatmulCase = { ...PLAIN, type, nIn: ggmlType(type).blockSize * 3, nOut: 33, shares: [range(9)] };
    const matmul = await prepareMatmul(context, { type, nIn: c.nIn, nOut: c.nOut, rowsPerMatrix: 9 });
    const first = await runCase(context, matmul, c);
    expect((await runCase(context, matmul, c)).bits).toEqual(first.bits);
  });
});
